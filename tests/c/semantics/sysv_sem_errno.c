/* A call that succeeds leaves errno alone. */
#include "../support/sysv_holders.h"
#include "../support/untouched.h"

CASE(semget_keeps_errno)
{
	int set, private;
	CHECK_KEEPS(set = semget(own_key(0), 3, IPC_CREAT | IPC_EXCL | 0600));
	noted(set);
	CHECK_KEEPS(semget(own_key(0), 3, IPC_CREAT | 0600));
	CHECK_KEEPS(semget(own_key(0), 0, 0));
	CHECK_KEEPS(private = semget(IPC_PRIVATE, 3, 0600));
	noted(private);
}

CASE(semctl_keeps_errno)
{
	unsigned short values[2] = { 0, 0 };
	struct semid_ds status;
	struct seminfo info;
	int set = new_set(2), commands[] = { GETVAL, GETPID, GETNCNT, GETZCNT };
	CHECK_KEEPS(semctl(set, 0, SETVAL, 1));
	for (int i = 0; i < 4; i++)
		CHECK_KEEPS(semctl(set, 0, commands[i]));
	CHECK_KEEPS(semctl(set, 0, SETALL, (union semun){ .array = values }));
	CHECK_KEEPS(semctl(set, 0, GETALL, (union semun){ .array = values }));
	CHECK_KEEPS(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }));
	CHECK_KEEPS(semctl(set, 0, IPC_SET, (union semun){ .buf = &status }));
	CHECK_KEEPS(semctl(set, 0, SEM_STAT, (union semun){ .buf = &status }));
	CHECK_KEEPS(semctl(set, 0, SEM_STAT_ANY, (union semun){ .buf = &status }));
	CHECK_KEEPS(semctl(set, 0, IPC_INFO, (union semun){ .info = &info }));
	CHECK_KEEPS(semctl(set, 0, SEM_INFO, (union semun){ .info = &info }));
	CHECK_KEEPS(semctl(set, 0, IPC_RMID));
}

CASE(semop_that_does_not_sleep_keeps_errno)
{
	struct timespec time = { 10, 0 };
	int set = new_set(2);
	CHECK_KEEPS(SEMOP(set, { 0, 1, 0 }));
	CHECK_KEEPS(SEMOP(set, { 0, -1, SEM_UNDO }));
	CHECK_KEEPS(SEMOP(set, { 0, 0, 0 }, { 1, 2, 0 }, { 1, -1, SEM_UNDO }));
	CHECK_KEEPS(SEMTIMEDOP(set, &time, { 0, 1, 0 }));
	CHECK_KEEPS(SEMTIMEDOP(set, NULL, { 0, -1, IPC_NOWAIT }));
}

static void *serves_when_somebody_sleeps(void *set)
{
	CHECK_SOON(takers_of(*(int *)set, 0) == 1);
	CHECK_KEEPS(SEMOP(*(int *)set, { 0, 1, 0 }));
	return NULL;
}

static void is_served_meanwhile(int set, const struct timespec *timeout)
{
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, serves_when_somebody_sleeps, &set), 0);
	CHECK_KEEPS(SEMTIMEDOP(set, timeout, { 0, -1, 0 }));
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(semop_that_sleeps_keeps_errno)
{
	struct timespec time = { 10, 0 };
	int set = new_set(1);
	for (int i = 0; i < 20; i++) {
		is_served_meanwhile(set, NULL);
		is_served_meanwhile(set, &time);
	}
}

CASE(semop_that_is_served_by_a_death_keeps_errno)
{
	int set = new_set_of_value(1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_KEEPS(SEMOP(set, { 0, -1, 0 }));
		_exit(0);
	}
	CHECK_SOON(takers_of(set, 0) == 1 && asleep(pid, pid));
	end_holder(holder, KILLED);
	check_child(pid);
	CHECK_KEEPS(SEMOP(set, { 0, 1, 0 }));
}
