/* The forms of read and write that take a position, several buffers, or both. For a queue of this
 * library they are answered as read and write are (file.c): nothing reaches the FIFO, and nothing
 * waits for its bytes. */
#define _GNU_SOURCE
#include "queue_file.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)
ssize_t rsipc_queue_read(struct rsipc_thread **thread, int fd, void *buffer, size_t count,
			 off_t position);
off_t rsipc_queue_lseek(struct rsipc_thread **thread, int fd, off_t offset, int whence);
int rsipc_queue_write(struct rsipc_thread **thread, int fd);

ssize_t rsipc_c_readv(int fd, const struct iovec *into, int count);
ssize_t rsipc_c_preadv(int fd, const struct iovec *into, int count, off_t position);
ssize_t rsipc_c_preadv2(int fd, const struct iovec *into, int count, off_t position, int flags);
ssize_t rsipc_c_pwrite(int fd, const void *buffer, size_t length, off_t position);
ssize_t rsipc_c_writev(int fd, const struct iovec *from, int count);
ssize_t rsipc_c_pwritev(int fd, const struct iovec *from, int count, off_t position);
ssize_t rsipc_c_pwritev2(int fd, const struct iovec *from, int count, off_t position, int flags);
#pragma GCC visibility pop

RSIPC_AS_DECLARED(readv);
RSIPC_AS_DECLARED(preadv);
RSIPC_AS_DECLARED(preadv2);
RSIPC_AS_DECLARED(pwrite);
RSIPC_AS_DECLARED(writev);
RSIPC_AS_DECLARED(pwritev);
RSIPC_AS_DECLARED(pwritev2);

/* The status line is shorter. */
#define LINE 128

/* Where a filter refuses the system call that checks the memory: as much as there is. */
static ssize_t copy_unchecked(const struct iovec *into, int count, const char *line, size_t length)
{
	size_t done = 0;
	for (int i = 0; i < count && done < length; i++) {
		size_t left = length - done;
		size_t part = into[i].iov_len < left ? into[i].iov_len : left;
		memcpy(into[i].iov_base, line + done, part);
		done += part;
	}
	return (ssize_t)done;
}

/* The bytes copied, or minus an errno. The kernel reads and checks what the caller gave: EINVAL,
 * EFAULT. */
static ssize_t copy_out(const struct iovec *into, int count, char *line, size_t length)
{
	struct iovec whole = { line, length };
	int before = errno;
	ssize_t copied =
		syscall(SYS_process_vm_readv, getpid(), into, (long)count, &whole, 1L, 0L);
	int error = errno;
	errno = before;
	if (copied >= 0)
		return copied;
	if (error != EPERM && error != ENOSYS && error != EACCES)
		return -error;
	return copy_unchecked(into, count, line, length);
}

static ssize_t scatter(int fd, const struct iovec *into, int count, off_t position)
{
	char line[LINE];
	off_t start = position;
	if (position == AT_POSITION)
		start = rsipc_queue_lseek(&rsipc_thread, fd, 0, SEEK_CUR);
	if (start < 0)
		return start;
	ssize_t length = rsipc_queue_read(&rsipc_thread, fd, line, sizeof line, start);
	if (length < 0)
		return length;
	ssize_t copied = copy_out(into, count, line, (size_t)length);
	if (position == AT_POSITION && copied > 0)
		rsipc_queue_lseek(&rsipc_thread, fd, start + copied, SEEK_SET);
	return copied;
}

/* A cancellation point. RSIPC_NOT_A_QUEUE, or the answer. */
static ssize_t read_queue(int fd, const struct iovec *into, int count, off_t position)
{
	if (!is_queue(fd))
		return RSIPC_NOT_A_QUEUE;
	pthread_testcancel();
	return scatter(fd, into, count, position);
}

static ssize_t write_queue(int fd)
{
	if (!is_queue(fd))
		return RSIPC_NOT_A_QUEUE;
	pthread_testcancel();
	return rsipc_queue_write(&rsipc_thread, fd);
}

/* The kernel reads and writes its own queues in a loop, which knows this flag alone. */
static int is_known(int flags)
{
	return (flags & ~RWF_HIPRI) == 0;
}

ssize_t rsipc_c_readv(int fd, const struct iovec *into, int count)
{
	ssize_t answer = read_queue(fd, into, count, AT_POSITION);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(readv)(fd, into, count) : answered(answer);
}

/* A negative position is EINVAL, whatever the descriptor is. */
ssize_t rsipc_c_preadv(int fd, const struct iovec *into, int count, off_t position)
{
	ssize_t answer = position < 0 ? RSIPC_NOT_A_QUEUE : read_queue(fd, into, count, position);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(preadv)(fd, into, count, position)
					   : answered(answer);
}

ssize_t rsipc_c_preadv2(int fd, const struct iovec *into, int count, off_t position, int flags)
{
	ssize_t answer = RSIPC_NOT_A_QUEUE;
	if (position >= AT_POSITION && is_queue(fd))
		answer = is_known(flags) ? read_queue(fd, into, count, position) : -EOPNOTSUPP;
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(preadv2)(fd, into, count, position, flags)
					   : answered(answer);
}

ssize_t rsipc_c_pwrite(int fd, const void *buffer, size_t length, off_t position)
{
	ssize_t answer = position < 0 ? RSIPC_NOT_A_QUEUE : write_queue(fd);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(pwrite)(fd, buffer, length, position)
					   : answered(answer);
}

ssize_t rsipc_c_writev(int fd, const struct iovec *from, int count)
{
	ssize_t answer = write_queue(fd);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(writev)(fd, from, count) : answered(answer);
}

ssize_t rsipc_c_pwritev(int fd, const struct iovec *from, int count, off_t position)
{
	ssize_t answer = position < 0 ? RSIPC_NOT_A_QUEUE : write_queue(fd);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(pwritev)(fd, from, count, position)
					   : answered(answer);
}

ssize_t rsipc_c_pwritev2(int fd, const struct iovec *from, int count, off_t position, int flags)
{
	ssize_t answer = position < AT_POSITION ? RSIPC_NOT_A_QUEUE : write_queue(fd);
	return answer == RSIPC_NOT_A_QUEUE ? RSIPC_REAL(pwritev2)(fd, from, count, position, flags)
					   : answered(answer);
}
