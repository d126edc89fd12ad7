/* The system calls of real.h that change credentials. The kernel knows credentials of threads
 * alone; POSIX has those of the process. glibc has each thread make the system call.
 *
 * In a program that is linked statically ours replace glibc's functions, and the part of glibc that
 * makes all threads do something is called: __nptl_setxid, as glibc's functions call it, since
 * 2.3.4. It is there if there can be threads; since 2.34 it comes with any function that needs it,
 * which is why one is referred to that we do not replace. */
#define _GNU_SOURCE
#include "raw.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct xid_command of glibc's nptl/descr.h */
struct xid_command {
	int number;
	long arguments[3];
	volatile int threads, error;
};

int __nptl_setxid(struct xid_command *command) __attribute__((weak));

__attribute__((used)) static int (*const brings_it)(gid_t, gid_t) = setregid;

static int in_all_threads(long number, long a, long b, long c)
{
	struct xid_command command = { .number = (int)number, .arguments = { a, b, c } };
	if (!rsipc_is_alone() && __nptl_setxid)
		return __nptl_setxid(&command);
	return (int)syscall(number, a, b, c);
}

int rsipc_raw_setuid(uid_t user)
{
	return in_all_threads(SYS_setuid, user, 0, 0);
}

/* To setresuid, -1 means no change; to seteuid, it is no valid user. */
int rsipc_raw_seteuid(uid_t user)
{
	if (user == (uid_t)-1)
		return rsipc_return(EINVAL);
	return in_all_threads(SYS_setresuid, -1, user, -1);
}

int rsipc_raw_setreuid(uid_t real, uid_t effective)
{
	return in_all_threads(SYS_setreuid, real, effective, 0);
}

int rsipc_raw_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return in_all_threads(SYS_setresuid, real, effective, saved);
}

int rsipc_raw_setgid(gid_t group)
{
	return in_all_threads(SYS_setgid, group, 0, 0);
}

int rsipc_raw_setegid(gid_t group)
{
	if (group == (gid_t)-1)
		return rsipc_return(EINVAL);
	return in_all_threads(SYS_setresgid, -1, group, -1);
}

int rsipc_raw_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return in_all_threads(SYS_setresgid, real, effective, saved);
}

int rsipc_raw_setgroups(size_t count, const gid_t *groups)
{
	return in_all_threads(SYS_setgroups, (long)count, (long)groups, 0);
}

/* These are the calling thread's, as in glibc. */

int rsipc_raw_setfsuid(uid_t user)
{
	return (int)syscall(SYS_setfsuid, user);
}

int rsipc_raw_setfsgid(gid_t group)
{
	return (int)syscall(SYS_setfsgid, group);
}

int rsipc_raw_capset(void *header, const void *sets)
{
	return (int)syscall(SYS_capset, header, sets);
}

int rsipc_raw_unshare(int flags)
{
	return (int)syscall(SYS_unshare, flags);
}

int rsipc_raw_setns(int fd, int type)
{
	return (int)syscall(SYS_setns, fd, type);
}
