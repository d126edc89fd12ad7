/* The calls of <semaphore.h> that wait, and sem_open, which is variadic. C, as a thread may be
 * cancelled in them. */
#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

#pragma GCC visibility push(hidden)

int rsipc_sem_begin(struct rsipc_wait *wait, sem_t *sem);
int rsipc_sem_begin_timed(struct rsipc_wait *wait, sem_t *sem, clockid_t clock,
			  const struct timespec *until);
extern const struct rsipc_wait_kind rsipc_sem_wait_kind;
extern uintptr_t rsipc_sem_limit;
sem_t *rsipc_sem_open(const char *name, int flags, mode_t mode, unsigned value);

int rsipc_c_sem_wait(sem_t *sem);
int rsipc_c_sem_timedwait(sem_t *sem, const struct timespec *until);
int rsipc_c_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until);
sem_t *rsipc_c_sem_open(const char *name, int flags, ...);

#pragma GCC visibility pop

RSIPC_AS_DECLARED(sem_open);
RSIPC_AS_DECLARED(sem_wait);
RSIPC_AS_DECLARED(sem_timedwait);

/* Decrements the value, if it is positive and no other thread changes the word: what
 * `Word::try_take` does (core/src/posix/sem/word.rs), once, and without a call. The word is the
 * first of the semaphore; its low half is the value. */
__attribute__((always_inline)) static inline int take_at_once(sem_t *sem)
{
	uint64_t *word = (uint64_t *)sem;
	uint64_t now = __atomic_load_n(word, __ATOMIC_RELAXED);
	return (uint32_t)now > 0 && __atomic_compare_exchange_n(word, &now, now - 1, 0,
								__ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Neither NULL nor, if the process counts what it takes, any other:
 * core/src/posix/sem/ledger/uses.rs. An aligned word that is stored once, read by one instruction.
 * A load that says so would be an instruction of its own. */
__attribute__((always_inline)) static inline int is_plain(sem_t *sem)
{
	return (uintptr_t)sem > rsipc_sem_limit;
}

__attribute__((noinline, cold)) static int wait_slowly(sem_t *sem)
{
	struct rsipc_wait wait;
	return rsipc_return(rsipc_wait_on(&wait, &rsipc_sem_wait_kind,
					  rsipc_sem_begin(&wait, sem)));
}

/* A cancellation point even when the value is positive. */
int rsipc_c_sem_wait(sem_t *sem)
{
	pthread_testcancel();
	if (__builtin_expect(is_plain(sem) && take_at_once(sem), 1))
		return 0;
	return wait_slowly(sem);
}

static int is_time(const struct timespec *time)
{
	return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

/* A cancellation point even when the value is positive, but a bad time is checked before. */
int rsipc_c_sem_timedwait(sem_t *sem, const struct timespec *until)
{
	if (until && !is_time(until))
		return rsipc_return(EINVAL);
	pthread_testcancel();
	return rsipc_c_sem_clockwait(sem, CLOCK_REALTIME, until);
}

/* As in glibc, a cancellation point only if it sleeps. */
int rsipc_c_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *until)
{
	int is_clock = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
	if (is_clock && until && is_time(until) && is_plain(sem) && take_at_once(sem))
		return 0;
	struct rsipc_wait wait;
	int answer = rsipc_sem_begin_timed(&wait, sem, clock, until);
	/* Where the time has come, glibc goes to its sleep all the same. */
	if (answer == ETIMEDOUT && until->tv_sec >= 0)
		pthread_testcancel();
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
