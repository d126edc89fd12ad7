/* The system calls of real.h that take a descriptor for a file. On 64-bit machines the C
 * library's structures are the kernel's. */
#define _GNU_SOURCE
#include "raw.h"
#include "raw_cancel.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int rsipc_raw_fstat(int fd, struct stat *status)
{
	return rsipc_raw_fstatat(fd, "", status, AT_EMPTY_PATH);
}

/* There is one version of the structure. */
int rsipc_raw___fxstat(int version, int fd, struct stat *status)
{
	(void)version;
	return rsipc_raw_fstat(fd, status);
}

int rsipc_raw_fstatat(int fd, const char *path, struct stat *status, int flags)
{
	return (int)syscall(SYS_newfstatat, fd, path, status, flags);
}

int rsipc_raw___fxstatat(int version, int fd, const char *path, struct stat *status, int flags)
{
	(void)version;
	return rsipc_raw_fstatat(fd, path, status, flags);
}

int rsipc_raw_statx(int fd, const char *path, int flags, unsigned mask, struct statx *status)
{
	return (int)syscall(SYS_statx, fd, path, flags, mask, status);
}

int rsipc_raw_fchmod(int fd, mode_t mode)
{
	return (int)syscall(SYS_fchmod, fd, mode);
}

int rsipc_raw_fchown(int fd, uid_t user, gid_t group)
{
	return (int)syscall(SYS_fchown, fd, user, group);
}

ssize_t rsipc_raw_read(int fd, void *buffer, size_t count)
{
	return RSIPC_CANCELLABLE(SYS_read, fd, (long)buffer, (long)count);
}

ssize_t rsipc_raw_pread(int fd, void *buffer, size_t count, off_t position)
{
	return RSIPC_CANCELLABLE(SYS_pread64, fd, (long)buffer, (long)count, position);
}

ssize_t rsipc_raw_write(int fd, const void *buffer, size_t length)
{
	return RSIPC_CANCELLABLE(SYS_write, fd, (long)buffer, (long)length);
}

off_t rsipc_raw_lseek(int fd, off_t offset, int whence)
{
	return syscall(SYS_lseek, fd, offset, whence);
}

ssize_t rsipc_raw_pwrite(int fd, const void *buffer, size_t length, off_t position)
{
	return RSIPC_CANCELLABLE(SYS_pwrite64, fd, (long)buffer, (long)length, position);
}

ssize_t rsipc_raw_readv(int fd, const struct iovec *into, int count)
{
	return RSIPC_CANCELLABLE(SYS_readv, fd, (long)into, count);
}

ssize_t rsipc_raw_writev(int fd, const struct iovec *from, int count)
{
	return RSIPC_CANCELLABLE(SYS_writev, fd, (long)from, count);
}

/* The kernel takes a position in two halves; on 64-bit machines the first has it all. */
ssize_t rsipc_raw_preadv(int fd, const struct iovec *into, int count, off_t position)
{
	return RSIPC_CANCELLABLE(SYS_preadv, fd, (long)into, count, position);
}

ssize_t rsipc_raw_pwritev(int fd, const struct iovec *from, int count, off_t position)
{
	return RSIPC_CANCELLABLE(SYS_pwritev, fd, (long)from, count, position);
}

ssize_t rsipc_raw_preadv2(int fd, const struct iovec *into, int count, off_t position, int flags)
{
	return RSIPC_CANCELLABLE(SYS_preadv2, fd, (long)into, count, position, 0, flags);
}

ssize_t rsipc_raw_pwritev2(int fd, const struct iovec *from, int count, off_t position, int flags)
{
	return RSIPC_CANCELLABLE(SYS_pwritev2, fd, (long)from, count, position, 0, flags);
}

/* A cancellation point only where it waits for a lock. */
int rsipc_raw_fcntl(int fd, int command, ...)
{
	va_list rest;
	va_start(rest, command);
	long argument = va_arg(rest, long);
	va_end(rest);
	if (command == F_SETLKW || command == F_OFD_SETLKW)
		return (int)RSIPC_CANCELLABLE(SYS_fcntl, fd, command, argument);
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

int rsipc_raw_ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	va_start(rest, request);
	long argument = va_arg(rest, long);
	va_end(rest);
	return (int)syscall(SYS_ioctl, fd, request, argument);
}
