/* semctl(2) is variadic: whether there is a fourth argument follows from the command. */
#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <stdarg.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

#pragma GCC visibility push(hidden)

/* The caller's union, which has no header. It is passed by value. */
union semun {
	int value;
	struct semid_ds *description;
	unsigned short *values;
	struct seminfo *info;
};

int rsipc_semctl(int id, int number, int command, union semun argument);
int rsipc_c_semctl(int id, int number, int command, ...);

#pragma GCC visibility pop

RSIPC_AS_DECLARED(semctl);

int rsipc_c_semctl(int id, int number, int command, ...)
{
	union semun argument = { .info = NULL };
	switch (command) {
	case IPC_SET:
	case IPC_STAT:
	case IPC_INFO:
	case GETALL:
	case SETALL:
	case SETVAL:
	case SEM_STAT:
	case SEM_INFO:
	case SEM_STAT_ANY: {
		va_list args;
		va_start(args, command);
		argument = va_arg(args, union semun);
		va_end(args);
	}
	}
	return rsipc_semctl(id, number, command, argument);
}
