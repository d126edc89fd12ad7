/* closefrom without a C library that has it. */
#define _GNU_SOURCE
#include "raw.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

int rsipc_raw_close_range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* The descriptor that a directory entry of /proc/self/fd names; -1 = none. */
static int number_of(const char *name)
{
	long number = 0;
	if (!*name)
		return -1;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || number > INT_MAX / 10)
			return -1;
		number = number * 10 + (*name - '0');
	}
	return number > INT_MAX ? -1 : (int)number;
}

/* Closes what these directory entries name. Whether there is any. */
static int close_entries(const char *entries, long length, int lowest, int directory)
{
	int any = 0;
	for (long at = 0; at < length;) {
		const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
		int fd = number_of(entry->d_name);
		any |= fd >= 0;
		if (fd >= lowest && fd != directory)
			syscall(SYS_close, fd);
		at += entry->d_reclen;
	}
	return any;
}

/* By a list of the kernel's. It goes on with the next descriptor, so closing does not disturb it.
 * False: there is none. */
static int close_listed(const char *list, int lowest)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int directory = (int)syscall(SYS_openat, AT_FDCWD, list, flags);
	int any = 0;
	if (directory < 0)
		return 0;
	_Alignas(struct dirent64) char entries[1024];
	long length;
	while ((length = syscall(SYS_getdents64, directory, entries, sizeof entries)) > 0)
		any |= close_entries(entries, length, lowest, directory);
	syscall(SYS_close, directory);
	return length == 0 && any;
}

/* The first list is empty if the first thread of the process has ended. */
static int close_all_listed(int lowest)
{
	const char *lists[] = { "/proc/self/fd", "/proc/thread-self/fd" };
	return close_listed(lists[0], lowest) || close_listed(lists[1], lowest);
}

/* One by one. What was opened before the limit was lowered lies above it, and stays open. */
static void close_up_to_limit(int lowest)
{
	struct rlimit limit;
	rlim_t end = 1 << 20;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end)
		end = limit.rlim_cur;
	for (int fd = lowest; (rlim_t)fd < end; fd++)
		syscall(SYS_close, fd);
}

/* For the child of a fork, too: nothing is allocated. Before Linux 5.9 there is no close_range. */
void rsipc_raw_closefrom(int lowest)
{
	int before = errno, from = lowest < 0 ? 0 : lowest;
	if (rsipc_raw_close_range((unsigned)from, ~0U, 0) != 0 && !close_all_listed(from))
		close_up_to_limit(from);
	errno = before;
}
