/* The calls that close descriptors, and duplicate them. They are the kernel's; here only queues are forgotten that are
 * closed by them, and duplicates of queues become known. */
#define _GNU_SOURCE
#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)
int rsipc_is_queue(int fd);
int rsipc_is_remembered(int fd);
void rsipc_duplicated(int from, int to);
void rsipc_forget(struct rsipc_thread **thread, int first, int last);
void rsipc_forgotten(int first, int last);

int rsipc_c_close(int fd);
int rsipc_c_close_range(unsigned first, unsigned last, int flags);
void rsipc_c_closefrom(int lowest);
int rsipc_c_dup(int from);
int rsipc_c_dup2(int from, int to);
int rsipc_c_dup3(int from, int to, int flags);
#pragma GCC visibility pop

/* True: rsipc_forgotten() must follow when it is closed. */
static inline int forget(int fd)
{
	if (__builtin_expect(!rsipc_is_remembered(fd), 1))
		return 0;
	int before = errno;
	rsipc_forget(&rsipc_thread, fd, fd);
	errno = before;
	return 1;
}

static void forget_range(unsigned first, unsigned last)
{
	if (first <= INT_MAX)
		rsipc_forget(&rsipc_thread, (int)first, last < INT_MAX ? (int)last : INT_MAX);
}

static void forgotten_range(unsigned first, unsigned last)
{
	if (first <= INT_MAX)
		rsipc_forgotten((int)first, last < INT_MAX ? (int)last : INT_MAX);
}

int rsipc_c_close(int fd)
{
	if (!forget(fd))
		return RSIPC_REAL(close)(fd);
	int result = RSIPC_REAL(close)(fd);
	rsipc_forgotten(fd, fd);
	return result;
}

int rsipc_c_close_range(unsigned first, unsigned last, int flags)
{
	/* With a flag it may close nothing; the descriptors are looked at when they are used next. */
	if (flags == 0 && first <= last)
		forget_range(first, last);
	int result = RSIPC_REAL(close_range)(first, last, flags);
	if (flags == 0 && first <= last)
		forgotten_range(first, last);
	return result;
}

void rsipc_c_closefrom(int lowest)
{
	forget_range(lowest < 0 ? 0 : (unsigned)lowest, INT_MAX);
	RSIPC_REAL(closefrom)(lowest);
	forgotten_range(lowest < 0 ? 0 : (unsigned)lowest, INT_MAX);
}

static int duplicated(int from, int to)
{
	if (to >= 0 && to != from && rsipc_is_queue(from))
		rsipc_duplicated(from, to);
	return to;
}

int rsipc_c_dup(int from)
{
	return duplicated(from, RSIPC_REAL(dup)(from));
}

/* The new number is closed only if the old one is good. */
int rsipc_c_dup2(int from, int to)
{
	int forgets = from != to && fcntl(from, F_GETFD) >= 0 && forget(to);
	int result = RSIPC_REAL(dup2)(from, to);
	if (forgets)
		rsipc_forgotten(to, to);
	return duplicated(from, result);
}

int rsipc_c_dup3(int from, int to, int flags)
{
	int forgets = from != to && fcntl(from, F_GETFD) >= 0 && forget(to);
	int result = RSIPC_REAL(dup3)(from, to, flags);
	if (forgets)
		rsipc_forgotten(to, to);
	return duplicated(from, result);
}
