#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>

#pragma GCC visibility push(hidden)

int rsipc_sem_try(sem_t *sem);
int rsipc_sem_begin(struct rsipc_wait *wait, sem_t *sem);
int rsipc_sem_begin_timed(struct rsipc_wait *wait, sem_t *sem, clockid_t clock,
			  const struct timespec *until);
extern const struct rsipc_wait_kind rsipc_sem_wait_kind;
sem_t *rsipc_sem_open(const char *name, int flags, mode_t mode, unsigned value);

int rsipc_c_sem_wait(sem_t *sem);
int rsipc_c_sem_timedwait(sem_t *sem, const struct timespec *until);
int rsipc_c_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);
sem_t *rsipc_c_sem_open(const char *name, int flags, ...);

#pragma GCC visibility pop

__attribute__((noinline)) static int wait_slowly(sem_t *sem)
{
	struct rsipc_wait wait;
	return rsipc_return(rsipc_wait_on(&wait, &rsipc_sem_wait_kind,
					  rsipc_sem_begin(&wait, sem)));
}

/* A cancellation point even when there is a token. */
int rsipc_c_sem_wait(sem_t *sem)
{
	pthread_testcancel();
	return rsipc_sem_try(sem) ? 0 : wait_slowly(sem);
}

/* A cancellation point even when there is a token, but a bad time is looked at before. */
int rsipc_c_sem_timedwait(sem_t *sem, const struct timespec *until)
{
	if (until && (until->tv_nsec < 0 || until->tv_nsec >= 1000000000))
		return rsipc_return(EINVAL);
	pthread_testcancel();
	return rsipc_c_sem_clockwait(sem, CLOCK_REALTIME, until);
}

/* As in glibc, a cancellation point only if it sleeps. */
int rsipc_c_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until)
{
	struct rsipc_wait wait;
	int answer = rsipc_sem_begin_timed(&wait, sem, clock, until);
	return rsipc_return(rsipc_wait_on(&wait, &rsipc_sem_wait_kind, answer));
}

sem_t *rsipc_c_sem_open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	unsigned value = 0;
	if (flags & O_CREAT) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		value = va_arg(args, unsigned);
		va_end(args);
	}
	return rsipc_sem_open(name, flags, mode, value);
}
