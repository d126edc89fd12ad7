/* What a set says of itself: owner, mode, size, times, the last process of each member. */
#include "../support/seconds.h"
#include "../support/sysv_sleepers.h"

#include <stddef.h>

CASE(semctl_status_of_a_new_set)
{
	time_t before = now_at_least();
	int set = noted(semget(own_key(0), 3, IPC_CREAT | 0640));
	time_t after = now_at_most();
	struct semid_ds status = status_of(set);
	CHECK_EQ(status.sem_perm.__key, own_key(0));
	CHECK_EQ(status.sem_perm.uid, geteuid());
	CHECK_EQ(status.sem_perm.gid, getegid());
	CHECK_EQ(status.sem_perm.cuid, geteuid());
	CHECK_EQ(status.sem_perm.cgid, getegid());
	CHECK_EQ(status.sem_perm.mode, 0640);
	CHECK_EQ(status.sem_nsems, 3);
	CHECK_EQ(status.sem_otime, 0);
	CHECK(status.sem_ctime >= before && status.sem_ctime <= after);
}

CASE(semctl_status_of_a_private_set_has_key_0)
{
	CHECK_EQ(status_of(new_set(1)).sem_perm.__key, IPC_PRIVATE);
}

CASE(semctl_status_has_the_layout_of_the_kernel)
{
	CHECK_EQ(sizeof(struct ipc_perm), 48);
	CHECK_EQ(offsetof(struct ipc_perm, mode), 20);
	/* x86-64 has a reserved word behind each of the times. */
#ifdef __x86_64__
	enum { OTIME = 48, CTIME = 64, NSEMS = 80, SIZE = 104 };
#else
	enum { OTIME = 48, CTIME = 56, NSEMS = 64, SIZE = 88 };
#endif
	CHECK_EQ(sizeof(struct semid_ds), SIZE);
	CHECK_EQ(offsetof(struct semid_ds, sem_otime), OTIME);
	CHECK_EQ(offsetof(struct semid_ds, sem_ctime), CTIME);
	CHECK_EQ(offsetof(struct semid_ds, sem_nsems), NSEMS);
	CHECK_EQ(sizeof(struct sembuf), 6);
	CHECK_EQ(sizeof(struct seminfo), 40);
	struct {
		struct semid_ds status;
		unsigned char behind[64];
	} room;
	memset(&room, 0x5a, sizeof room);
	CHECK_OK(semctl(new_set(2), 0, IPC_STAT, (union semun){ .buf = &room.status }));
	CHECK_EQ(room.status.sem_nsems, 2);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(room.behind[i], 0x5a);
}

CASE(semctl_new_set_has_values_and_pids_0)
{
	int set = new_set(5);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(value_of(set, i), 0);
		CHECK_EQ(last_pid_of(set, i), 0);
	}
}

CASE(semctl_new_set_in_the_place_of_a_used_one_is_empty)
{
	for (int i = 0; i < 20; i++) {
		int set = noted(semget(own_key(0), 3, IPC_CREAT | IPC_EXCL | 0600));
		CHECK_VALUES(set, 0, 0, 0);
		CHECK_EQ(last_pid_of(set, 1), 0);
		CHECK_EQ(status_of(set).sem_otime, 0);
		CHECK_OK(SEMOP(set, { 0, 5, 0 }, { 1, 6, SEM_UNDO }, { 2, 7, 0 }));
		remove_set(set);
	}
}

CASE(semop_sets_otime)
{
	int set = new_set(1);
	time_t before = now_at_least();
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	time_t otime = status_of(set).sem_otime;
	CHECK(otime >= before && otime <= now_at_most());
	await_next_second_after(otime);
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK(status_of(set).sem_otime > otime);
}

CASE(semop_wait_for_zero_sets_otime)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, 0, 0 }));
	CHECK(status_of(set).sem_otime != 0);
}

CASE(semop_leaves_ctime)
{
	int set = new_set(1);
	time_t ctime = status_of(set).sem_ctime;
	await_next_second_after(ctime);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(status_of(set).sem_ctime, ctime);
}

CASE(semctl_setval_sets_ctime_and_not_otime)
{
	int set = new_set(1);
	time_t ctime = status_of(set).sem_ctime;
	await_next_second_after(ctime);
	set_value(set, 0, 1);
	CHECK(status_of(set).sem_ctime > ctime);
	CHECK_EQ(status_of(set).sem_otime, 0);
}

CASE(semctl_setall_sets_ctime_and_not_otime)
{
	unsigned short values[] = { 1 };
	int set = new_set(1);
	time_t ctime = status_of(set).sem_ctime;
	await_next_second_after(ctime);
	CHECK_OK(semctl(set, 0, SETALL, (union semun){ .array = values }));
	CHECK(status_of(set).sem_ctime > ctime);
	CHECK_EQ(status_of(set).sem_otime, 0);
}

CASE(semctl_set_sets_ctime_and_not_otime)
{
	int set = new_set(1);
	struct semid_ds status = status_of(set);
	await_next_second_after(status.sem_ctime);
	CHECK_OK(semctl(set, 0, IPC_SET, (union semun){ .buf = &status }));
	CHECK(status_of(set).sem_ctime > status.sem_ctime);
	CHECK_EQ(status_of(set).sem_otime, 0);
}

CASE(semctl_setval_that_serves_a_sleeper_sets_otime)
{
	int set = new_set(1);
	struct sleeper *sleeper = SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(status_of(set).sem_otime, 0);
	set_value(set, 0, 1);
	CHECK_EQ(end_of(sleeper), 0);
	CHECK(status_of(set).sem_otime != 0);
}

CASE(semctl_reading_sets_no_time)
{
	unsigned short values[1];
	int set = new_set(1);
	struct semid_ds before = status_of(set);
	await_next_second_after(before.sem_ctime);
	value_of(set, 0);
	takers_of(set, 0);
	CHECK_OK(semctl(set, 0, GETALL, (union semun){ .array = values }));
	struct semid_ds after = status_of(set);
	CHECK_EQ(after.sem_ctime, before.sem_ctime);
	CHECK_EQ(after.sem_otime, 0);
}

CASE(semctl_getpid_is_the_process_of_the_last_semop)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(last_pid_of(set, 0), getpid());
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(last_pid_of(set, 0), pid);
}

static void *adds_one(void *set)
{
	CHECK_OK(SEMOP(*(int *)set, { 0, 1, 0 }));
	return NULL;
}

CASE(semctl_getpid_of_a_thread_is_its_process)
{
	int set = new_set(1);
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, adds_one, &set), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(last_pid_of(set, 0), getpid());
}

CASE(semctl_getpid_is_set_for_the_members_of_the_array_alone)
{
	int set = new_set(4);
	CHECK_OK(SEMOP(set, { 1, 1, 0 }, { 3, 0, 0 }));
	CHECK_EQ(last_pid_of(set, 0), 0);
	CHECK_EQ(last_pid_of(set, 1), getpid());
	CHECK_EQ(last_pid_of(set, 2), 0);
	CHECK_EQ(last_pid_of(set, 3), getpid());
}

CASE(semctl_getpid_is_set_by_a_wait_for_zero)
{
	int set = new_set(1);
	CHECK_OK(SEMOP(set, { 0, 0, 0 }));
	CHECK_EQ(last_pid_of(set, 0), getpid());
}

CASE(semctl_getpid_is_set_by_setval_and_setall)
{
	unsigned short values[] = { 0, 0 };
	int set = new_set(2);
	set_value(set, 1, 0);
	CHECK_EQ(last_pid_of(set, 0), 0);
	CHECK_EQ(last_pid_of(set, 1), getpid());
	int other = new_set(2);
	CHECK_OK(semctl(other, 0, SETALL, (union semun){ .array = values }));
	CHECK_EQ(last_pid_of(other, 0), getpid());
	CHECK_EQ(last_pid_of(other, 1), getpid());
}

CASE(semctl_getpid_is_not_set_by_what_fails)
{
	int set = new_set(2);
	CHECK_FAILS(SEMOP(set, { 0, 1, 0 }, { 1, -1, IPC_NOWAIT }), EAGAIN);
	CHECK_FAILS(semctl(set, 0, SETVAL, -1), ERANGE);
	CHECK_EQ(last_pid_of(set, 0), 0);
	CHECK_EQ(last_pid_of(set, 1), 0);
}

CASE(semctl_getpid_after_a_hand_over_is_the_sleeper)
{
	int set = new_set(2);
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 }, { 1, 1, 0 });
	CHECK_EQ(last_pid_of(set, 0), 0);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(last_pid_of(set, 0), sleeper->pid);
	CHECK_EQ(last_pid_of(set, 1), sleeper->pid);
	CHECK_EQ(end_of(sleeper), 0);
}

CASE(semctl_getpid_outlives_the_process)
{
	int set = new_set(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(last_pid_of(set, 0), pid);
}

CASE(semget_otime_tells_that_a_set_is_initialised)
{
	int set = noted(semget(own_key(0), 1, IPC_CREAT | IPC_EXCL | 0600));
	pid_t pid = check_fork();
	if (pid == 0) {
		int found = semget(own_key(0), 1, 0600);
		CHECK_SOON(status_of(found).sem_otime != 0);
		CHECK_EQ(value_of(found, 0), 3);
		_exit(0);
	}
	set_value(set, 0, 0);
	CHECK_OK(SEMOP(set, { 0, 3, 0 }));
	check_child(pid);
}
