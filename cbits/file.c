/* The calls that take a descriptor for a file: its owner, its mode, its contents. They are the
 * kernel's; for a queue of this library, the answer is what the kernel gives for its own queues
 * (mq/as_file.rs). */
#define _GNU_SOURCE
#include "queue_file.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)
int rsipc_queue_fstat(struct rsipc_thread **thread, int fd, struct stat *status);
int rsipc_queue_fchmod(struct rsipc_thread **thread, int fd, mode_t mode);
int rsipc_queue_fchown(struct rsipc_thread **thread, int fd, uid_t user, gid_t group);
ssize_t rsipc_queue_read(struct rsipc_thread **thread, int fd, void *buffer, size_t count,
			 off_t position);
off_t rsipc_queue_lseek(struct rsipc_thread **thread, int fd, off_t offset, int whence);
int rsipc_queue_write(struct rsipc_thread **thread, int fd);

int rsipc_c_fstat(int fd, struct stat *status);
int rsipc_c_fxstat(int version, int fd, struct stat *status);
int rsipc_c_fstatat(int fd, const char *path, struct stat *status, int flags);
int rsipc_c_fxstatat(int version, int fd, const char *path, struct stat *status, int flags);
int rsipc_c_statx(int fd, const char *path, int flags, unsigned mask, struct statx *status);
int rsipc_c_fchmod(int fd, mode_t mode);
int rsipc_c_fchown(int fd, uid_t user, gid_t group);
ssize_t rsipc_c_read(int fd, void *buffer, size_t count);
ssize_t rsipc_c_read_chk(int fd, void *buffer, size_t count, size_t size);
ssize_t rsipc_c_pread(int fd, void *buffer, size_t count, off_t position);
ssize_t rsipc_c_pread_chk(int fd, void *buffer, size_t count, off_t position, size_t size);
ssize_t rsipc_c_write(int fd, const void *buffer, size_t length);
off_t rsipc_c_lseek(int fd, off_t offset, int whence);
#pragma GCC visibility pop

RSIPC_AS_DECLARED(fchmod);
RSIPC_AS_DECLARED(fchown);
RSIPC_AS_DECLARED(fstat);
RSIPC_AS_DECLARED(fstatat);
RSIPC_AS_DECLARED(lseek);
RSIPC_AS_DECLARED(pread);
RSIPC_AS_DECLARED(read);
RSIPC_AS_DECLARED(write);

/* The kernel has described the FIFO. */
static int describe(int result, int fd, struct stat *status)
{
	if (result == 0 && S_ISFIFO(status->st_mode) && is_queue(fd))
		rsipc_queue_fstat(&rsipc_thread, fd, status);
	return result;
}

int rsipc_c_fstat(int fd, struct stat *status)
{
	return describe(RSIPC_REAL(fstat)(fd, status), fd, status);
}

int rsipc_c_fxstat(int version, int fd, struct stat *status)
{
	return describe(RSIPC_REAL(__fxstat)(version, fd, status), fd, status);
}

/* The path is looked at only after the kernel has taken it. Newer kernels take NULL for an empty
 * path. */
static inline int is_descriptor(const char *path, int flags)
{
	return (flags & AT_EMPTY_PATH) && rsipc_concerns(RSIPC_QUEUES) && (!path || !*path);
}

int rsipc_c_fstatat(int fd, const char *path, struct stat *status, int flags)
{
	int result = RSIPC_REAL(fstatat)(fd, path, status, flags);
	return result == 0 && is_descriptor(path, flags) ? describe(result, fd, status) : result;
}

int rsipc_c_fxstatat(int version, int fd, const char *path, struct stat *status, int flags)
{
	int result = RSIPC_REAL(__fxstatat)(version, fd, path, status, flags);
	return result == 0 && is_descriptor(path, flags) ? describe(result, fd, status) : result;
}

int rsipc_c_statx(int fd, const char *path, int flags, unsigned mask, struct statx *status)
{
	struct stat plain;
	int result = RSIPC_REAL(statx)(fd, path, flags, mask, status);
	if (result == 0 && is_descriptor(path, flags) && S_ISFIFO(status->stx_mode) &&
	    is_queue(fd)) {
		int before = errno;
		if (rsipc_c_fstat(fd, &plain) == 0) {
			status->stx_mode = (uint16_t)plain.st_mode;
			status->stx_size = (uint64_t)plain.st_size;
		}
		status->stx_mask &= ~(unsigned)STATX_BTIME;
		status->stx_btime = (struct statx_timestamp){ 0 };
		errno = before;
	}
	return result;
}

int rsipc_c_fchmod(int fd, mode_t mode)
{
	int answer = is_queue(fd) ? rsipc_queue_fchmod(&rsipc_thread, fd, mode) : RSIPC_NOT_A_QUEUE;
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(fchmod)(fd, mode) : (int)answered(answer);
}

int rsipc_c_fchown(int fd, uid_t user, gid_t group)
{
	int answer = is_queue(fd) ? rsipc_queue_fchown(&rsipc_thread, fd, user, group)
				  : RSIPC_NOT_A_QUEUE;
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(fchown)(fd, user, group)
					   : (int)answered(answer);
}

ssize_t rsipc_c_read(int fd, void *buffer, size_t count)
{
	if (!is_queue(fd))
		return RSIPC_REAL(read)(fd, buffer, count);
	pthread_testcancel();
	ssize_t answer = rsipc_queue_read(&rsipc_thread, fd, buffer, count, AT_POSITION);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(read)(fd, buffer, count) : answered(answer);
}

ssize_t rsipc_c_pread(int fd, void *buffer, size_t count, off_t position)
{
	if (!is_queue(fd) || position < 0)
		return RSIPC_REAL(pread)(fd, buffer, count, position);
	pthread_testcancel();
	ssize_t answer = rsipc_queue_read(&rsipc_thread, fd, buffer, count, position);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(pread)(fd, buffer, count, position)
					   : answered(answer);
}

/* The forms that _FORTIFY_SOURCE makes of the two. */
ssize_t rsipc_c_read_chk(int fd, void *buffer, size_t count, size_t size)
{
	if (size < count)
		abort();
	return rsipc_c_read(fd, buffer, count);
}

ssize_t rsipc_c_pread_chk(int fd, void *buffer, size_t count, off_t position, size_t size)
{
	if (size < count)
		abort();
	return rsipc_c_pread(fd, buffer, count, position);
}

ssize_t rsipc_c_write(int fd, const void *buffer, size_t length)
{
	if (!is_queue(fd))
		return RSIPC_REAL(write)(fd, buffer, length);
	pthread_testcancel();
	int answer = rsipc_queue_write(&rsipc_thread, fd);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(write)(fd, buffer, length)
					   : answered(answer);
}

off_t rsipc_c_lseek(int fd, off_t offset, int whence)
{
	off_t answer = is_queue(fd) ? rsipc_queue_lseek(&rsipc_thread, fd, offset, whence)
				    : RSIPC_NOT_A_QUEUE;
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(lseek)(fd, offset, whence)
					   : answered(answer);
}
