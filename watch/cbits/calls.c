/* The functions that a program calls in the place of the library's. Each tells the hooks, makes the
 * call, and tells them again, also if the thread is cancelled in it. */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

#define WORD(value) ((uint64_t)(value))

/* `arguments`: as the hooks see them. */
#define BEGIN(name, ...)                                                                           \
	rsipc_watch_find_next();                                                                   \
	struct rsipc_watch_call call __attribute__((cleanup(rsipc_watch_after))) = {               \
		.number = CALL_##name,                                                             \
		.site = __builtin_return_address(0),                                               \
		.arguments = { __VA_ARGS__ },                                                      \
		.slot = -1,                                                                        \
		.object = -1,                                                                      \
	};                                                                                         \
	int refused = rsipc_watch_before(&call);                                                   \
	if (!refused && !rsipc_watch_next.name)                                                    \
		refused = ENOSYS;

#define FINISH(type, failed, ...)                                                                  \
	type result = failed;                                                                      \
	if (refused)                                                                               \
		errno = refused;                                                                   \
	else                                                                                       \
		result = __VA_ARGS__;                                                              \
	call.result = (int64_t)result;                                                             \
	call.error = result == failed ? errno : 0;                                                 \
	call.has_returned = 1;                                                                     \
	return result;

#define NEXT(name) rsipc_watch_next.name

#define ONE(type, name, A)                                                                         \
	type rsipc_watch_##name(A a);                                                              \
	type rsipc_watch_##name(A a)                                                               \
	{                                                                                          \
		BEGIN(name, WORD(a))                                                               \
		FINISH(type, (type)-1, NEXT(name)(a))                                              \
	}
#define TWO(type, name, A, B)                                                                      \
	type rsipc_watch_##name(A a, B b);                                                         \
	type rsipc_watch_##name(A a, B b)                                                          \
	{                                                                                          \
		BEGIN(name, WORD(a), WORD(b))                                                      \
		FINISH(type, (type)-1, NEXT(name)(a, b))                                           \
	}
#define THREE(type, name, A, B, C)                                                                 \
	type rsipc_watch_##name(A a, B b, C c);                                                    \
	type rsipc_watch_##name(A a, B b, C c)                                                     \
	{                                                                                          \
		BEGIN(name, WORD(a), WORD(b), WORD(c))                                             \
		FINISH(type, (type)-1, NEXT(name)(a, b, c))                                        \
	}
#define FOUR(type, name, A, B, C, D)                                                               \
	type rsipc_watch_##name(A a, B b, C c, D d);                                               \
	type rsipc_watch_##name(A a, B b, C c, D d)                                                \
	{                                                                                          \
		BEGIN(name, WORD(a), WORD(b), WORD(c), WORD(d))                                    \
		FINISH(type, (type)-1, NEXT(name)(a, b, c, d))                                     \
	}
#define FIVE(type, name, A, B, C, D, E)                                                            \
	type rsipc_watch_##name(A a, B b, C c, D d, E e);                                          \
	type rsipc_watch_##name(A a, B b, C c, D d, E e)                                           \
	{                                                                                          \
		BEGIN(name, WORD(a), WORD(b), WORD(c), WORD(d), WORD(e))                           \
		FINISH(type, (type)-1, NEXT(name)(a, b, c, d, e))                                  \
	}

typedef const struct timespec *until_t;
typedef const char *name_t;

THREE(int, sem_init, sem_t *, int, unsigned)
ONE(int, sem_destroy, sem_t *)
ONE(int, sem_close, sem_t *)
ONE(int, sem_unlink, name_t)
ONE(int, sem_post, sem_t *)
ONE(int, sem_trywait, sem_t *)
TWO(int, sem_getvalue, sem_t *, int *)
ONE(int, sem_wait, sem_t *)
TWO(int, sem_timedwait, sem_t *, until_t)
THREE(int, sem_clockwait, sem_t *, clockid_t, until_t)
ONE(int, mq_close, mqd_t)
ONE(int, mq_unlink, name_t)
TWO(int, mq_getattr, mqd_t, struct mq_attr *)
THREE(int, mq_setattr, mqd_t, const struct mq_attr *, struct mq_attr *)
TWO(int, mq_notify, mqd_t, const struct sigevent *)
FOUR(int, mq_send, mqd_t, name_t, size_t, unsigned)
FIVE(int, mq_timedsend, mqd_t, name_t, size_t, unsigned, until_t)
FOUR(ssize_t, mq_receive, mqd_t, char *, size_t, unsigned *)
FIVE(ssize_t, mq_timedreceive, mqd_t, char *, size_t, unsigned *, until_t)
THREE(int, shm_open, name_t, int, mode_t)
ONE(int, shm_unlink, name_t)
THREE(int, semget, key_t, int, int)
THREE(int, semop, int, struct sembuf *, size_t)
FOUR(int, semtimedop, int, struct sembuf *, size_t, until_t)
TWO(int, msgget, key_t, int)
FOUR(int, msgsnd, int, const void *, size_t, int)
FIVE(ssize_t, msgrcv, int, void *, size_t, long, int)
THREE(int, msgctl, int, int, struct msqid_ds *)
THREE(int, shmget, key_t, size_t, int)
THREE(void *, shmat, int, const void *, int)
ONE(int, shmdt, const void *)
THREE(int, shmctl, int, int, struct shmid_ds *)
TWO(int, munmap, void *, size_t)

sem_t *rsipc_watch_sem_open(const char *name, int flags, ...);
sem_t *rsipc_watch_sem_open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	unsigned value = 0;
	if (flags & O_CREAT) {
		va_list rest;
		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		value = va_arg(rest, unsigned);
		va_end(rest);
	}
	BEGIN(sem_open, WORD(name), WORD(flags), WORD(mode), WORD(value))
	FINISH(sem_t *, SEM_FAILED, NEXT(sem_open)(name, flags, mode, value))
}

/* The hooks may give other attributes (`chaos`). */
static mqd_t open_queue(struct rsipc_watch_call *call, const char *name, int flags, mode_t mode)
{
	if (!(flags & O_CREAT))
		return NEXT(mq_open)(name, flags);
	return NEXT(mq_open)(name, flags, mode, (struct mq_attr *)call->arguments[3]);
}

mqd_t rsipc_watch_mq_open(const char *name, int flags, ...);
mqd_t rsipc_watch_mq_open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	struct mq_attr *attributes = NULL;
	if (flags & O_CREAT) {
		va_list rest;
		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		attributes = va_arg(rest, struct mq_attr *);
		va_end(rest);
	}
	BEGIN(mq_open, WORD(name), WORD(flags), WORD(mode), WORD(attributes))
	FINISH(mqd_t, (mqd_t)-1, open_queue(&call, name, flags, mode))
}

/* What <mqueue.h> makes of a call without O_CREAT in a program with _FORTIFY_SOURCE. */
mqd_t rsipc_watch_mq_open_2(const char *name, int flags);
mqd_t rsipc_watch_mq_open_2(const char *name, int flags)
{
	BEGIN(mq_open, WORD(name), WORD(flags), 0, 0)
	/* The two arguments that it asks for cannot be there. */
	if (flags & O_CREAT)
		refused = EINVAL;
	FINISH(mqd_t, (mqd_t)-1, NEXT(mq_open)(name, flags))
}

int rsipc_watch_semctl(int set, int member, int command, ...);
int rsipc_watch_semctl(int set, int member, int command, ...)
{
	/* The command alone says whether there is a fourth one: it is read from its place. */
	va_list rest;
	va_start(rest, command);
	void *value = va_arg(rest, void *);
	va_end(rest);
	BEGIN(semctl, WORD(set), WORD(member), WORD(command), WORD(value))
	FINISH(int, -1, NEXT(semctl)(set, member, command, value))
}

#pragma GCC visibility pop
