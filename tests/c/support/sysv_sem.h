/* What the checks of System V semaphores share: sets that are removed at the end, operations, and
 * sleepers in one. */
#ifndef SUPPORT_SYSV_SEM_H
#define SUPPORT_SYSV_SEM_H

#include <sys/sem.h>
#include "sysv.h"

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

enum { SEMVMX = 32767, SEMOPM = 500, SEMMSL = 32000 };

/* The last argument of semctl(2), which programs define themselves. */
union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

/* Operations, and how many they are: the last two arguments of semop(2). */
#define OPS(...)                                                                                   \
	(struct sembuf[]){ __VA_ARGS__ },                                                          \
		sizeof((struct sembuf[]){ __VA_ARGS__ }) / sizeof(struct sembuf)
#define SEMOP(set, ...) semop(set, OPS(__VA_ARGS__))
#define SEMTIMEDOP(set, timeout, ...) semtimedop(set, OPS(__VA_ARGS__), timeout)

static void remove_if_there(int set)
{
	semctl(set, 0, IPC_RMID);
}

/* A set that semget() has just made: removed when the case is over. */
__attribute__((unused)) static int noted(int set)
{
	return note_object(set, remove_if_there);
}

__attribute__((unused)) static int new_set_with_mode(int members, int mode)
{
	return noted(semget(IPC_PRIVATE, members, mode));
}

__attribute__((unused)) static int new_set(int members)
{
	return new_set_with_mode(members, 0600);
}

/* A set of one. */
__attribute__((unused)) static int new_set_of_value(int value)
{
	int set = new_set(1);
	CHECK_OK(semctl(set, 0, SETVAL, (union semun){ .val = value }));
	return set;
}

__attribute__((unused)) static int value_of(int set, int member)
{
	int value = semctl(set, member, GETVAL);
	CHECK_OK(value);
	return value;
}

__attribute__((unused)) static int last_pid_of(int set, int member)
{
	int pid = semctl(set, member, GETPID);
	CHECK_OK(pid);
	return pid;
}

/* How many sleep until the member is larger, and until it is 0. */
__attribute__((unused)) static int takers_of(int set, int member)
{
	int count = semctl(set, member, GETNCNT);
	CHECK_OK(count);
	return count;
}

__attribute__((unused)) static int zero_waiters_of(int set, int member)
{
	int count = semctl(set, member, GETZCNT);
	CHECK_OK(count);
	return count;
}

__attribute__((unused)) static void set_value(int set, int member, int value)
{
	CHECK_OK(semctl(set, member, SETVAL, (union semun){ .val = value }));
}

__attribute__((unused)) static struct semid_ds status_of(int set)
{
	struct semid_ds status;
	memset(&status, 0xa5, sizeof status);
	CHECK_OK(semctl(set, 0, IPC_STAT, (union semun){ .buf = &status }));
	return status;
}

__attribute__((unused)) static void remove_set(int set)
{
	CHECK_OK(semctl(set, 0, IPC_RMID));
}

/* The id of a set that is no more. */
__attribute__((unused)) static int removed_set(void)
{
	int set = new_set(1);
	remove_set(set);
	return set;
}

/* Each member has this value, in order. */
#define CHECK_VALUES(set, ...)                                                                     \
	check_values(__FILE__, __LINE__, set, (int[]){ __VA_ARGS__ },                              \
		     (int)(sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)))
__attribute__((unused)) static void check_values(const char *file, int line, int set,
						 const int *values, int count)
{
	for (int i = 0; i < count; i++) {
		int value = semctl(set, i, GETVAL);
		if (value != values[i])
			check_fail(file, line, "member %d is %d, expected %d", i, value, values[i]);
	}
}

#endif
