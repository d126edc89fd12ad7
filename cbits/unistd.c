/* The calls that close descriptors, and duplicate them. They are the kernel's; here only queues are
 * forgotten that were closed by them, duplicates of queues become known, and descriptors of our own
 * are spared (mq/closing.rs). */
#define _GNU_SOURCE
#include "concern.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

#pragma GCC visibility push(hidden)

int rsipc_close_begin(struct rsipc_closing *closing, int fd);
void rsipc_close_end(struct rsipc_thread **thread, const struct rsipc_closing *closing,
		     int is_closed);
int rsipc_is_closed(int fd);
void rsipc_closed_range(struct rsipc_thread **thread, int first, int last);
void rsipc_unshared(void);
int rsipc_make_way(struct rsipc_moved *moved, int fd);
void rsipc_way_was_made(const struct rsipc_moved *moved);
void rsipc_duplicated(int from, int to);

int rsipc_c_close(int fd);
int rsipc_c_close_range(unsigned first, unsigned last, int flags);
void rsipc_c_closefrom(int lowest);
int rsipc_c_dup(int from);
int rsipc_c_dup2(int from, int to);
int rsipc_c_dup3(int from, int to, int flags);
#pragma GCC visibility pop

RSIPC_AS_DECLARED(close);
RSIPC_AS_DECLARED(dup);
RSIPC_AS_DECLARED(dup2);
RSIPC_AS_DECLARED(dup3);

#define CONCERNED (RSIPC_QUEUES | RSIPC_RESERVED)
#define FLAGS_OF_RANGE (CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)

/* The thread is cancelled in close, before the descriptor is closed, or after. */
static void cancelled(void *argument)
{
	const struct rsipc_closing *closing = argument;
	rsipc_close_end(&rsipc_thread, closing, rsipc_is_closed(closing->fd));
}

__attribute__((noinline, cold)) static int close_concerned(int fd)
{
	struct rsipc_closing closing;
	int result;
	switch (rsipc_close_begin(&closing, fd)) {
	case RSIPC_CLOSE_FREELY:
		return RSIPC_REAL(close)(fd);
	case RSIPC_CLOSE_SPARE:
		return rsipc_return(EBADF);
	}
	pthread_cleanup_push(cancelled, &closing);
	result = RSIPC_REAL(close)(fd);
	pthread_cleanup_pop(0);
	/* Linux has closed it whatever the error is, unless it was not open; then the entry is
	 * useless. */
	rsipc_close_end(&rsipc_thread, &closing, 1);
	return result;
}

int rsipc_c_close(int fd)
{
	return rsipc_concerns(CONCERNED) ? close_concerned(fd) : RSIPC_REAL(close)(fd);
}

static int as_number(unsigned fd)
{
	return fd < INT_MAX ? (int)fd : INT_MAX;
}

/* Around the descriptors of our own. */
static int close_range_around(unsigned first, unsigned last, int flags)
{
	int spared;
	while (first <= last &&
	       (spared = rsipc_lowest_spared(as_number(first), as_number(last))) >= 0) {
		unsigned before = (unsigned)spared;
		if (before > first && RSIPC_REAL(close_range)(first, before - 1, flags) != 0)
			return -1;
		if (before == last)
			return 0;
		first = before + 1;
	}
	return RSIPC_REAL(close_range)(first, last, flags);
}

/* With CLOSE_RANGE_UNSHARE the call closes descriptors of the whole process only if there is no
 * other thread. With CLOSE_RANGE_CLOEXEC it closes none. */
int rsipc_c_close_range(unsigned first, unsigned last, int flags)
{
	if (!rsipc_concerns(CONCERNED) || first > last || ((unsigned)flags & ~FLAGS_OF_RANGE))
		return RSIPC_REAL(close_range)(first, last, flags);
	int result = close_range_around(first, last, flags);
	if (((unsigned)flags & CLOSE_RANGE_UNSHARE) && !rsipc_has_become_alone())
		rsipc_unshared();
	else if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC))
		rsipc_closed_range(&rsipc_thread, as_number(first), as_number(last));
	return result;
}

/* Before Linux 5.9 there is no close_range. */
static void close_one_by_one(int first)
{
	long end = sysconf(_SC_OPEN_MAX);
	for (int fd = first; fd < end; fd++)
		if (!rsipc_is_spared(fd))
			syscall(SYS_close, fd);
}

void rsipc_c_closefrom(int lowest)
{
	int first = lowest < 0 ? 0 : lowest;
	if (!rsipc_concerns(CONCERNED)) {
		RSIPC_REAL(closefrom)(lowest);
		return;
	}
	int before = errno;
	if (rsipc_lowest_spared(first, INT_MAX) < 0)
		RSIPC_REAL(closefrom)(lowest);
	else if (close_range_around((unsigned)first, ~0U, 0) != 0)
		close_one_by_one(first);
	errno = before;
	rsipc_closed_range(&rsipc_thread, first, INT_MAX);
}

static int duplicated(int from, int to)
{
	if (to >= 0 && to != from)
		rsipc_duplicated(from, to);
	return to;
}

int rsipc_c_dup(int from)
{
	if (rsipc_is_spared(from))
		return rsipc_return(EBADF);
	int to = RSIPC_REAL(dup)(from);
	return rsipc_concerns(RSIPC_QUEUES) ? duplicated(from, to) : to;
}

/* The descriptor at the new number is closed only if the old one is valid. */
static int dup3_concerned(int from, int to, int flags, int is_dup3)
{
	struct rsipc_closing closing = { .kind = RSIPC_CLOSE_FREELY };
	struct rsipc_moved moved = { .kept = 0 };
	if (rsipc_is_spared(from))
		return rsipc_return(EBADF);
	if (from != to && syscall(SYS_fcntl, from, F_GETFD) >= 0) {
		if (!rsipc_make_way(&moved, to))
			return rsipc_return(EBUSY);
		/* To the program one of our own is not in use. */
		if (moved.kept == 0)
			rsipc_close_begin(&closing, to);
	}
	int result = is_dup3 ? RSIPC_REAL(dup3)(from, to, flags) : RSIPC_REAL(dup2)(from, to);
	/* What was moved has not been replaced, and is at the new number, too. */
	if (result < 0 && moved.kept != 0) {
		int error = errno;
		syscall(SYS_close, to);
		errno = error;
	}
	rsipc_way_was_made(&moved);
	rsipc_close_end(&rsipc_thread, &closing, result >= 0);
	return duplicated(from, result);
}

int rsipc_c_dup2(int from, int to)
{
	return rsipc_concerns(CONCERNED) ? dup3_concerned(from, to, 0, 0)
					 : RSIPC_REAL(dup2)(from, to);
}

int rsipc_c_dup3(int from, int to, int flags)
{
	return rsipc_concerns(CONCERNED) ? dup3_concerned(from, to, flags, 1)
					 : RSIPC_REAL(dup3)(from, to, flags);
}
