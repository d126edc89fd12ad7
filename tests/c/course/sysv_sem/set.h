/* What the programs on System V semaphores share: the union that semctl(2) has each program define,
 * a set of their own, one operation. */
#ifndef SET_H
#define SET_H

#include "../ftok.h"

#include <sys/sem.h>

union semun {
	int val;	       /* for SETVAL */
	struct semid_ds *buf;  /* for IPC_STAT and IPC_SET */
	unsigned short *array; /* for GETALL and SETALL */
};

/* A set for this process and its children. */
HELPER int own_set(int members)
{
	return (int)check(semget(IPC_PRIVATE, members, 0600), "semget");
}

HELPER void set_value(int set, int member, int value)
{
	check(semctl(set, member, SETVAL, (union semun){ .val = value }), "SETVAL");
}

HELPER int value(int set, int member)
{
	return (int)check(semctl(set, member, GETVAL), "GETVAL");
}

/* Adds to a member; a negative number is taken away, and waited for; 0 waits for 0. */
HELPER void change(int set, int member, int by, int flags)
{
	struct sembuf operation = { (unsigned short)member, (short)by, (short)flags };
	check(semop(set, &operation, 1), "semop");
}

/* Removes the set and shows that it is gone: at once, and for all processes. */
HELPER void remove_set(int set)
{
	check(semctl(set, 0, IPC_RMID), "IPC_RMID");
	printf("removed: %s\n", outcome(semctl(set, 0, GETVAL)));
}

#endif
