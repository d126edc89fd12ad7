/* Where older C libraries differ: the names of errors and signals came with glibc 2.32,
 * close_range, closefrom, _Fork and posix_spawn_file_actions_addclosefrom_np with 2.34; until
 * then pthread_cancel knew no thread that had ended. */
#ifndef OLDER_H
#define OLDER_H

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !__GLIBC_PREREQ(2, 34)
/* Ours then, and NULL without us. */
__attribute__((weak)) int close_range(unsigned first, unsigned last, int flags);
__attribute__((weak)) void closefrom(int lowest);
#define HAS_CLOSE_RANGE (close_range != NULL)

/* A fork of which the C library runs no handlers. */
__attribute__((unused)) static pid_t _Fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

__attribute__((unused)) static int
posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest)
{
	(void)actions;
	(void)lowest;
	return ENOSYS;
}
#else
#define HAS_CLOSE_RANGE 1
#endif

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* What pthread_cancel may give for a thread that has ended and is not joined yet. */
#if __GLIBC_PREREQ(2, 34)
enum { OLDER_CANCEL_OF_ENDED = 0 };
#else
enum { OLDER_CANCEL_OF_ENDED = ESRCH };
#endif

#if !__GLIBC_PREREQ(2, 32)

#define OLDER_NAME(name)                                                             \
	case name:                                                                   \
		return #name;

/* The names that our programs print; NULL for others, as for numbers that are no error. */
__attribute__((unused)) static const char *strerrorname_np(int error)
{
	switch (error) {
	case 0:
		return "0";
		OLDER_NAME(E2BIG)
		OLDER_NAME(EACCES)
		OLDER_NAME(EAGAIN)
		OLDER_NAME(EBADF)
		OLDER_NAME(EBADMSG)
		OLDER_NAME(EBUSY)
		OLDER_NAME(ECANCELED)
		OLDER_NAME(ECHILD)
		OLDER_NAME(EDEADLK)
		OLDER_NAME(EEXIST)
		OLDER_NAME(EFAULT)
		OLDER_NAME(EFBIG)
		OLDER_NAME(EIDRM)
		OLDER_NAME(EINTR)
		OLDER_NAME(EINVAL)
		OLDER_NAME(EIO)
		OLDER_NAME(EISDIR)
		OLDER_NAME(ELOOP)
		OLDER_NAME(EMFILE)
		OLDER_NAME(EMSGSIZE)
		OLDER_NAME(ENAMETOOLONG)
		OLDER_NAME(ENFILE)
		OLDER_NAME(ENODEV)
		OLDER_NAME(ENOENT)
		OLDER_NAME(ENOMEM)
		OLDER_NAME(ENOMSG)
		OLDER_NAME(ENOSPC)
		OLDER_NAME(ENOSYS)
		OLDER_NAME(ENOTDIR)
		OLDER_NAME(ENOTTY)
		OLDER_NAME(ENXIO)
		OLDER_NAME(EOPNOTSUPP)
		OLDER_NAME(EOVERFLOW)
		OLDER_NAME(EPERM)
		OLDER_NAME(EPIPE)
		OLDER_NAME(ERANGE)
		OLDER_NAME(EROFS)
		OLDER_NAME(ESPIPE)
		OLDER_NAME(ESRCH)
		OLDER_NAME(ETIMEDOUT)
	}
	return NULL;
}

#undef OLDER_NAME
#define OLDER_NAME(name)                                                             \
	case SIG##name:                                                              \
		return #name;

__attribute__((unused)) static const char *sigabbrev_np(int number)
{
	switch (number) {
		OLDER_NAME(ABRT)
		OLDER_NAME(ALRM)
		OLDER_NAME(CHLD)
		OLDER_NAME(HUP)
		OLDER_NAME(INT)
		OLDER_NAME(KILL)
		OLDER_NAME(PIPE)
		OLDER_NAME(SEGV)
		OLDER_NAME(TERM)
		OLDER_NAME(USR1)
		OLDER_NAME(USR2)
	}
	return NULL;
}

#undef OLDER_NAME
#endif
#endif
