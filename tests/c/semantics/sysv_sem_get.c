/* semget: keys, flags, sizes. */
#include "../support/sysv_sem.h"

#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/stat.h>

CASE(semget_private_makes_a_set_each_time)
{
	int one = noted(semget(IPC_PRIVATE, 1, 0600)), other = noted(semget(IPC_PRIVATE, 1, 0600));
	CHECK(one != other);
	CHECK_OK(SEMOP(one, { 0, 1, 0 }));
	CHECK_EQ(value_of(one, 0), 1);
	CHECK_EQ(value_of(other, 0), 0);
}

CASE(semget_private_takes_no_notice_of_create_and_exclusive)
{
	int flags[] = { 0, IPC_CREAT, IPC_EXCL, IPC_CREAT | IPC_EXCL };
	int last = -1;
	for (int i = 0; i < 4; i++) {
		int set = noted(semget(IPC_PRIVATE, 2, flags[i] | 0600));
		CHECK(set != last);
		CHECK_EQ(status_of(set).sem_nsems, 2);
		last = set;
	}
}

CASE(semget_of_an_unknown_key_is_enoent)
{
	CHECK_FAILS(semget(own_key(0), 1, 0600), ENOENT);
	CHECK_FAILS(semget(own_key(0), 0, 0), ENOENT);
	CHECK_FAILS(semget(own_key(0), 1, IPC_EXCL | 0600), ENOENT);
}

CASE(semget_finds_a_set_by_its_key)
{
	int set = noted(semget(own_key(0), 2, IPC_CREAT | 0600));
	CHECK_EQ(semget(own_key(0), 2, 0600), set);
	CHECK_EQ(semget(own_key(0), 2, 0), set);
	CHECK_FAILS(semget(own_key(1), 2, 0600), ENOENT);
}

CASE(semget_with_create_finds_what_is_there)
{
	int set = noted(semget(own_key(0), 2, IPC_CREAT | 0600));
	CHECK_OK(SEMOP(set, { 1, 3, 0 }));
	CHECK_EQ(semget(own_key(0), 2, IPC_CREAT | 0600), set);
	CHECK_EQ(semget(own_key(0), 2, IPC_CREAT | 0666), set);
	CHECK_EQ(status_of(set).sem_perm.mode & 0777, 0600);
	CHECK_VALUES(set, 0, 3);
}

CASE(semget_exclusive_is_eexist_for_what_is_there)
{
	int set = noted(semget(own_key(0), 2, IPC_CREAT | IPC_EXCL | 0600));
	CHECK_FAILS(semget(own_key(0), 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(semget(own_key(0), 2, 0600), set);
}

CASE(semget_exclusive_without_create_is_ignored)
{
	int set = noted(semget(own_key(0), 2, IPC_CREAT | 0600));
	CHECK_EQ(semget(own_key(0), 2, IPC_EXCL | 0600), set);
}

CASE(semget_of_fewer_members_finds_the_set)
{
	int set = noted(semget(own_key(0), 5, IPC_CREAT | 0600));
	for (int members = 0; members <= 5; members++)
		CHECK_EQ(semget(own_key(0), members, IPC_CREAT | 0600), set);
	CHECK_EQ(status_of(set).sem_nsems, 5);
}

CASE(semget_of_more_members_is_einval)
{
	noted(semget(own_key(0), 5, IPC_CREAT | 0600));
	CHECK_FAILS(semget(own_key(0), 6, 0600), EINVAL);
	CHECK_FAILS(semget(own_key(0), 6, IPC_CREAT | 0600), EINVAL);
	CHECK_FAILS(semget(own_key(0), SEMMSL, 0), EINVAL);
}

CASE(semget_exclusive_is_eexist_before_the_size_matters)
{
	noted(semget(own_key(0), 5, IPC_CREAT | 0600));
	CHECK_FAILS(semget(own_key(0), 6, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_FAILS(semget(own_key(0), 0, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
}

CASE(semget_makes_no_set_of_0_members)
{
	CHECK_FAILS(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_FAILS(semget(own_key(0), 0, IPC_CREAT | 0600), EINVAL);
	CHECK_FAILS(semget(own_key(0), 0, IPC_CREAT | IPC_EXCL | 0600), EINVAL);
	CHECK_FAILS(semget(own_key(0), 1, 0600), ENOENT);
}

CASE(semget_of_a_negative_number_is_einval_whatever_else)
{
	noted(semget(own_key(0), 5, IPC_CREAT | 0600));
	int numbers[] = { -1, INT_MIN };
	for (int i = 0; i < 2; i++) {
		CHECK_FAILS(semget(IPC_PRIVATE, numbers[i], 0600), EINVAL);
		CHECK_FAILS(semget(own_key(0), numbers[i], 0600), EINVAL);
		CHECK_FAILS(semget(own_key(0), numbers[i], IPC_CREAT | IPC_EXCL | 0600), EINVAL);
		CHECK_FAILS(semget(own_key(1), numbers[i], 0600), EINVAL);
	}
}

CASE(semget_above_semmsl_is_einval_whatever_else)
{
	struct seminfo info;
	CHECK_OK(semctl(0, 0, IPC_INFO, (union semun){ .info = &info }));
	noted(semget(own_key(0), 5, IPC_CREAT | 0600));
	int numbers[] = { info.semmsl + 1, INT_MAX };
	for (int i = 0; i < 2; i++) {
		CHECK_FAILS(semget(IPC_PRIVATE, numbers[i], 0600), EINVAL);
		CHECK_FAILS(semget(own_key(0), numbers[i], IPC_CREAT | IPC_EXCL | 0600), EINVAL);
		CHECK_FAILS(semget(own_key(1), numbers[i], 0600), EINVAL);
	}
}

CASE(semget_makes_a_set_of_32000_members)
{
	int set = new_set(SEMMSL);
	CHECK_EQ(status_of(set).sem_nsems, SEMMSL);
	CHECK_OK(SEMOP(set, { SEMMSL - 1, 7, 0 }, { 0, 3, 0 }));
	CHECK_EQ(value_of(set, SEMMSL - 1), 7);
	CHECK_EQ(value_of(set, SEMMSL - 2), 0);
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_FAILS(SEMOP(set, { SEMMSL, 1, 0 }), EFBIG);
	CHECK_FAILS(semctl(set, SEMMSL, GETVAL), EINVAL);
}

CASE(semget_takes_the_low_nine_bits_as_mode_and_no_umask)
{
	umask(077);
	int modes[] = { 0666, 0600, 0777, 0640, 0000 };
	for (int i = 0; i < 5; i++) {
		int set = new_set_with_mode(1, IPC_CREAT | modes[i]);
		if (geteuid() == 0 || modes[i] & 0400)
			CHECK_EQ(status_of(set).sem_perm.mode, modes[i]);
	}
}

CASE(semget_any_number_but_0_is_a_key)
{
	key_t keys[] = { -1, INT_MIN, (key_t)(0x80000000u | (unsigned)own_key(0)) };
	for (int i = 0; i < 3; i++) {
		int set = semget(keys[i], 1, IPC_CREAT | IPC_EXCL | 0600);
		if (set == -1 && errno == EEXIST)
			continue; /* another program's */
		noted(set);
		CHECK_EQ(semget(keys[i], 1, 0600), set);
		CHECK_EQ(status_of(set).sem_perm.__key, keys[i]);
		remove_set(set);
	}
}

CASE(semget_id_is_never_negative)
{
	for (int i = 0; i < 50; i++)
		CHECK(new_set(1) >= 0);
}

CASE(semget_500_sets_at_once)
{
	int sets[500];
	for (int i = 0; i < 500; i++) {
		sets[i] = new_set(1);
		CHECK_OK(SEMOP(sets[i], { 0, (short)(i + 1), 0 }));
	}
	for (int i = 0; i < 500; i++)
		CHECK_EQ(value_of(sets[i], 0), i + 1);
}

CASE(semget_after_removal_makes_another_set)
{
	int set = noted(semget(own_key(0), 1, IPC_CREAT | 0600));
	CHECK_OK(SEMOP(set, { 0, 5, 0 }));
	remove_set(set);
	CHECK_FAILS(semget(own_key(0), 1, 0600), ENOENT);
	int next = noted(semget(own_key(0), 3, IPC_CREAT | IPC_EXCL | 0600));
	CHECK(next != set);
	CHECK_VALUES(next, 0, 0, 0);
	CHECK_FAILS(semctl(set, 0, GETVAL), EINVAL);
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }), EINVAL);
}

CASE(semget_ids_of_removed_sets_do_not_come_back)
{
	int removed[200];
	for (int i = 0; i < 200; i++) {
		removed[i] = new_set(1);
		remove_set(removed[i]);
	}
	int set = new_set(1);
	for (int i = 0; i < 200; i++) {
		CHECK(removed[i] != set);
		CHECK_FAILS(semctl(removed[i], 0, GETVAL), EINVAL);
	}
}

CASE(semget_keys_are_apart_from_those_of_queues_and_segments)
{
	int queue = msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600);
	CHECK_OK(queue);
	int segment = shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600);
	CHECK_OK(segment);
	CHECK_FAILS(semget(own_key(0), 1, 0600), ENOENT);
	int set = semget(own_key(0), 1, IPC_CREAT | IPC_EXCL | 0600);
	CHECK_OK(msgctl(queue, IPC_RMID, NULL));
	CHECK_OK(shmctl(segment, IPC_RMID, NULL));
	noted(set);
	CHECK_EQ(semget(own_key(0), 1, 0600), set);
}

CASE(semget_set_outlives_its_creator)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		int set = noted(semget(own_key(0), 1, IPC_CREAT | 0600));
		CHECK_OK(SEMOP(set, { 0, 4, 0 }));
		_exit(0);
	}
	check_child(pid);
	int set = semget(own_key(0), 1, 0600);
	CHECK_OK(set);
	CHECK_EQ(value_of(set, 0), 4);
	CHECK_EQ(last_pid_of(set, 0), pid);
}

CASE(semget_id_works_in_a_process_that_never_called_semget)
{
	int set = new_set(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 2, 0 }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 2);
}

enum { RACERS = 8, ROUNDS = 40 };

struct race {
	int go;
	int got[RACERS], error[RACERS];
};

/* All racers call semget with these flags at once. */
static struct race *race(int flags, int round)
{
	struct race *race = common_memory(sizeof *race);
	pid_t racers[RACERS];
	for (int i = 0; i < RACERS; i++) {
		racers[i] = check_fork();
		if (racers[i] == 0) {
			while (!__atomic_load_n(&race->go, __ATOMIC_ACQUIRE))
				sched_yield();
			race->got[i] = semget(own_key(round), 1, flags);
			race->error[i] = errno;
			_exit(0);
		}
	}
	__atomic_store_n(&race->go, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < RACERS; i++)
		check_child(racers[i]);
	return race;
}

CASE(semget_exclusive_has_one_winner)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct race *result = race(IPC_CREAT | IPC_EXCL | 0600, round);
		int winners = 0;
		for (int i = 0; i < RACERS; i++) {
			if (result->got[i] == -1)
				CHECK_EQ(result->error[i], EEXIST);
			else
				noted(result->got[i]), winners++;
		}
		CHECK_EQ(winners, 1);
	}
}

CASE(semget_with_create_gives_one_set_to_all)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct race *result = race(IPC_CREAT | 0600, round);
		noted(result->got[0]);
		for (int i = 1; i < RACERS; i++)
			CHECK_EQ(result->got[i], result->got[0]);
		CHECK_EQ(semget(own_key(round), 1, 0), result->got[0]);
	}
}
