/* System calls in the place of functions that the program has not: see real.c. */
#define _GNU_SOURCE
#include "raw.h"
#include "raw_cancel.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bytes of the kernel's sigset_t, which is shorter than the C library's. */
#define SIGSET_SIZE (_NSIG / 8)

/* The thread may end at any instruction between the two changes of its cancellation type, so this
 * is a function of its own: for its caller, which may have a clean-up to run, that happens within a
 * call. */
__attribute__((noinline)) long rsipc_raw_cancellable(long number, const long *a)
{
	int alone = rsipc_is_alone(), before;
	if (!alone)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
	long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (!alone)
		pthread_setcanceltype(before, NULL);
	return result;
}

int rsipc_raw_close(int fd)
{
	return (int)RSIPC_CANCELLABLE(SYS_close, fd);
}

int rsipc_raw_dup(int from)
{
	return (int)syscall(SYS_dup, from);
}

/* Newer architectures have dup3 alone, which refuses two equal descriptors. */
int rsipc_raw_dup2(int from, int to)
{
	if (from != to)
		return rsipc_raw_dup3(from, to, 0);
	return syscall(SYS_fcntl, from, F_GETFD) == -1 ? -1 : to;
}

int rsipc_raw_dup3(int from, int to, int flags)
{
	return (int)syscall(SYS_dup3, from, to, flags);
}

/* Newer architectures have ppoll alone. */
int rsipc_raw_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec span = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };
	return rsipc_raw_ppoll(fds, count, timeout < 0 ? NULL : &span, NULL);
}

/* Unlike the kernel's, the C functions leave the timeout as it was. */
int rsipc_raw_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		    const sigset_t *mask)
{
	struct timespec span = timeout ? *timeout : (struct timespec){ 0 };
	return (int)RSIPC_CANCELLABLE(SYS_ppoll, (long)fds, (long)count, timeout ? (long)&span : 0,
				      (long)mask, SIGSET_SIZE);
}

static int pselect6(int count, fd_set *const sets[3], struct timespec *timeout,
		    const sigset_t *mask)
{
	const long with_size[2] = { (long)mask, SIGSET_SIZE };
	return (int)RSIPC_CANCELLABLE(SYS_pselect6, count, (long)sets[0], (long)sets[1],
				      (long)sets[2], (long)timeout, (long)with_size);
}

int rsipc_raw_pselect(int count, fd_set *in, fd_set *out, fd_set *except,
		      const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec span = timeout ? *timeout : (struct timespec){ 0 };
	return pselect6(count, (fd_set *const[3]){ in, out, except }, timeout ? &span : NULL, mask);
}

/* The microseconds may be more than a second. What is left of the timeout is given back. */
int rsipc_raw_select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	fd_set *const sets[3] = { in, out, except };
	if (!timeout)
		return pselect6(count, sets, NULL, NULL);
	if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
		errno = EINVAL;
		return -1;
	}
	struct timespec span = { .tv_nsec = timeout->tv_usec % 1000000 * 1000 };
	if (__builtin_add_overflow(timeout->tv_sec, timeout->tv_usec / 1000000, &span.tv_sec))
		span.tv_sec = __LONG_MAX__;
	int result = pselect6(count, sets, &span, NULL);
	*timeout = (struct timeval){ .tv_sec = span.tv_sec, .tv_usec = span.tv_nsec / 1000 };
	return result;
}

int rsipc_raw_clock_gettime(clockid_t clock, struct timespec *now)
{
	return (int)syscall(SYS_clock_gettime, clock, now);
}

/* At the last tick, as C's function. Newer architectures do not have the call. */
time_t rsipc_raw_time(time_t *copy)
{
	struct timespec now = { 0 };
	rsipc_raw_clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (copy)
		*copy = now.tv_sec;
	return now.tv_sec;
}

int rsipc_raw_sched_getcpu(void)
{
	unsigned processor;
	return syscall(SYS_getcpu, &processor, NULL, NULL) == -1 ? -1 : (int)processor;
}
