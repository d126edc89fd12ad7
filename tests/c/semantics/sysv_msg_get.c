/* msgget: keys and flags. */
#include "../support/sysv_msg.h"

#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

CASE(msgget_private_makes_a_queue_each_time)
{
	int one = noted(msgget(IPC_PRIVATE, 0600)), other = noted(msgget(IPC_PRIVATE, 0600));
	CHECK(one != other);
	PUT(one, 1, "one");
	CHECK_HOLDS(one, 1, 3);
	CHECK_HOLDS(other, 0, 0);
	GET_NONE(other, 0, 0);
}

CASE(msgget_private_takes_no_notice_of_create_and_exclusive)
{
	int flags[] = { 0, IPC_CREAT, IPC_EXCL, IPC_CREAT | IPC_EXCL };
	int last = -1;
	for (int i = 0; i < 4; i++) {
		int queue = noted(msgget(IPC_PRIVATE, flags[i] | 0600));
		CHECK(queue != last);
		last = queue;
	}
}

CASE(msgget_of_an_unknown_key_is_enoent)
{
	CHECK_FAILS(msgget(own_key(0), 0600), ENOENT);
	CHECK_FAILS(msgget(own_key(0), 0), ENOENT);
	CHECK_FAILS(msgget(own_key(0), IPC_EXCL | 0600), ENOENT);
}

CASE(msgget_finds_a_queue_by_its_key)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	CHECK_EQ(msgget(own_key(0), 0600), queue);
	CHECK_EQ(msgget(own_key(0), 0), queue);
	CHECK_FAILS(msgget(own_key(1), 0600), ENOENT);
}

CASE(msgget_with_create_finds_what_is_there)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	PUT(queue, 5, "stays");
	CHECK_EQ(msgget(own_key(0), IPC_CREAT | 0600), queue);
	CHECK_EQ(msgget(own_key(0), IPC_CREAT | 0666), queue);
	CHECK_EQ(status_of(queue).msg_perm.mode & 0777, 0600);
	GET(queue, 0, 0, 5, "stays");
}

CASE(msgget_exclusive_is_eexist_for_what_is_there)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600));
	CHECK_FAILS(msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_FAILS(msgget(own_key(0), IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_EQ(msgget(own_key(0), 0600), queue);
}

CASE(msgget_exclusive_without_create_is_ignored)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	CHECK_EQ(msgget(own_key(0), IPC_EXCL | 0600), queue);
}

CASE(msgget_takes_no_notice_of_other_flags)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | IPC_NOWAIT | MSG_NOERROR | 0600));
	CHECK_EQ(status_of(queue).msg_perm.mode, 0600);
	CHECK_EQ(msgget(own_key(0), IPC_NOWAIT | MSG_EXCEPT | MSG_COPY | 0600), queue);
}

CASE(msgget_takes_the_low_nine_bits_as_mode_and_no_umask)
{
	umask(077);
	int modes[] = { 0666, 0600, 0777, 0640, 0000 };
	for (int i = 0; i < 5; i++) {
		int queue = noted(msgget(IPC_PRIVATE, IPC_CREAT | modes[i]));
		if (geteuid() == 0 || modes[i] & 0400)
			CHECK_EQ(status_of(queue).msg_perm.mode, modes[i]);
	}
}

CASE(msgget_any_number_but_0_is_a_key)
{
	key_t keys[] = { -1, INT_MIN, (key_t)(0x80000000u | (unsigned)own_key(0)) };
	for (int i = 0; i < 3; i++) {
		int queue = msgget(keys[i], IPC_CREAT | IPC_EXCL | 0600);
		if (queue == -1 && errno == EEXIST)
			continue; /* another program's */
		noted(queue);
		CHECK_EQ(msgget(keys[i], 0600), queue);
		CHECK_EQ(status_of(queue).msg_perm.__key, keys[i]);
		remove_queue(queue);
	}
}

CASE(msgget_id_is_never_negative)
{
	for (int i = 0; i < 50; i++)
		CHECK(new_queue() >= 0);
}

CASE(msgget_200_queues_at_once)
{
	int queues[200];
	for (int i = 0; i < 200; i++) {
		queues[i] = new_queue();
		PUT_BYTES(queues[i], i + 1, (size_t)i, (unsigned)i);
	}
	for (int i = 0; i < 200; i++)
		GET_BYTES(queues[i], i + 1, (size_t)i, (unsigned)i, 200);
}

CASE(msgget_after_removal_makes_another_queue)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	PUT(queue, 1, "gone");
	remove_queue(queue);
	CHECK_FAILS(msgget(own_key(0), 0600), ENOENT);
	int next = noted(msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600));
	CHECK(next != queue);
	CHECK_HOLDS(next, 0, 0);
	GET_NONE(next, 0, 0);
	CHECK_FAILS(msgctl(queue, IPC_STAT, &(struct msqid_ds){ 0 }), EINVAL);
	CHECK_FAILS(send_text(queue, 1, "x", IPC_NOWAIT), EINVAL);
}

CASE(msgget_ids_of_removed_queues_do_not_come_back)
{
	int removed[200];
	for (int i = 0; i < 200; i++)
		removed[i] = removed_queue();
	int queue = new_queue();
	for (int i = 0; i < 200; i++) {
		CHECK(removed[i] != queue);
		CHECK_FAILS(send_text(removed[i], 1, "x", IPC_NOWAIT), EINVAL);
	}
}

static void remove_set(int set)
{
	semctl(set, 0, IPC_RMID);
}

static void remove_segment(int segment)
{
	shmctl(segment, IPC_RMID, NULL);
}

CASE(msgget_keys_are_apart_from_those_of_sets_and_segments)
{
	note_object(semget(own_key(0), 1, IPC_CREAT | IPC_EXCL | 0600), remove_set);
	note_object(shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600), remove_segment);
	CHECK_FAILS(msgget(own_key(0), 0600), ENOENT);
	int queue = noted(msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600));
	CHECK_EQ(msgget(own_key(0), 0600), queue);
	CHECK_OK(semget(own_key(0), 1, 0600));
	CHECK_OK(shmget(own_key(0), 100, 0600));
}

CASE(msgget_queue_outlives_its_creator)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
		PUT(queue, 3, "left behind");
		_exit(0);
	}
	check_child(pid);
	int queue = msgget(own_key(0), 0600);
	CHECK_OK(queue);
	CHECK_EQ(status_of(queue).msg_lspid, pid);
	GET(queue, 0, 0, 3, "left behind");
}

CASE(msgget_id_works_in_a_process_that_never_called_msgget)
{
	int *queue = common_memory(sizeof *queue);
	pid_t maker = check_fork();
	if (maker == 0) {
		*queue = noted(msgget(IPC_PRIVATE, 0600));
		_exit(0);
	}
	check_child(maker);
	pid_t sender = check_fork();
	if (sender == 0) {
		PUT(*queue, 2, "by number");
		_exit(0);
	}
	check_child(sender);
	GET(*queue, 0, 0, 2, "by number");
}

enum { RACERS = 8, ROUNDS = 40 };

struct race {
	int go;
	int got[RACERS], error[RACERS];
};

/* All racers call msgget with these flags at once. */
static struct race *race(int flags, int round)
{
	struct race *race = common_memory(sizeof *race);
	pid_t racers[RACERS];
	for (int i = 0; i < RACERS; i++) {
		racers[i] = check_fork();
		if (racers[i] == 0) {
			while (!__atomic_load_n(&race->go, __ATOMIC_ACQUIRE))
				sched_yield();
			race->got[i] = msgget(own_key(round), flags);
			race->error[i] = errno;
			_exit(0);
		}
	}
	__atomic_store_n(&race->go, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < RACERS; i++)
		check_child(racers[i]);
	return race;
}

CASE(msgget_exclusive_has_one_winner)
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

CASE(msgget_with_create_gives_one_queue_to_all)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct race *result = race(IPC_CREAT | 0600, round);
		noted(result->got[0]);
		for (int i = 1; i < RACERS; i++)
			CHECK_EQ(result->got[i], result->got[0]);
		CHECK_EQ(msgget(own_key(round), 0), result->got[0]);
	}
}
