/* fcntl(2) and ioctl(2). They are the kernel's; for a queue of this library, what the kernel says
 * of its FIFO is put right, and what would harm the FIFO is refused as the kernel refuses it for
 * its own queues. Duplicates of queues become known, and descriptors of our own are not shown. */
#define _GNU_SOURCE
#include "concern.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

#pragma GCC visibility push(hidden)
int rsipc_is_queue(int fd);
int rsipc_queue_access_mode(struct rsipc_thread **thread, int fd);
int rsipc_queue_may_lock(struct rsipc_thread **thread, int fd, long lock);
int rsipc_queue_left(struct rsipc_thread **thread, int fd);
void rsipc_flags_changed(struct rsipc_thread **thread, int fd);
void rsipc_duplicated(int from, int to);

int rsipc_c_fcntl(int fd, int command, long argument);
int rsipc_c_ioctl(int fd, unsigned long request, long argument);
#pragma GCC visibility pop

#define CONCERNED (RSIPC_QUEUES | RSIPC_RESERVED)

/* How mq_open opens the FIFO. */
#define OF_FIFO (O_RDWR | O_NOFOLLOW)
/* What the kernel adds to that. The C library calls it 0. */
#ifdef __aarch64__
#define LARGE 0400000
#else
#define LARGE 0100000
#endif

/* The flags of a queue's description are its own, apart from what it is open for. */
static int shown(int fd, int flags)
{
	if (flags < 0 || (flags & (O_ACCMODE | OF_FIFO)) != OF_FIFO || !rsipc_is_queue(fd))
		return flags;
	int mode = rsipc_queue_access_mode(&rsipc_thread, fd);
	if (mode == RSIPC_NOT_A_QUEUE)
		return flags;
	return (flags & ~(O_ACCMODE | O_NOFOLLOW | LARGE)) | mode;
}

/* To the kernel's queues O_ASYNC means nothing. Here it would send the signal that is the magic
 * of the description. */
static int set_flags(int fd, long flags)
{
	if ((flags & (O_ASYNC | O_DIRECT)) && rsipc_is_queue(fd)) {
		if (flags & O_DIRECT)
			return rsipc_return(EINVAL);
		flags &= ~(long)O_ASYNC;
	}
	int result = RSIPC_REAL(fcntl)(fd, F_SETFL, flags);
	if (result == 0 && rsipc_is_queue(fd))
		rsipc_flags_changed(&rsipc_thread, fd);
	return result;
}

/* The magic stays (mq/descriptor/inherited.rs). */
static int set_signal(int fd, long number)
{
	if (!rsipc_is_queue(fd))
		return RSIPC_REAL(fcntl)(fd, F_SETSIG, number);
	return (unsigned long)number < _NSIG ? 0 : rsipc_return(EINVAL);
}

/* The FIFO is open for both directions, so the kernel would grant any lock. */
static int set_lock(int fd, int command, long lock)
{
	if (rsipc_is_queue(fd) && rsipc_queue_may_lock(&rsipc_thread, fd, lock) == -EBADF)
		return rsipc_return(EBADF);
	return RSIPC_REAL(fcntl)(fd, command, lock);
}

static int duplicated(int from, int to)
{
	if (to >= 0)
		rsipc_duplicated(from, to);
	return to;
}

__attribute__((noinline, cold)) static int fcntl_concerned(int fd, int command, long argument)
{
	if (rsipc_is_spared(fd))
		return rsipc_return(EBADF);
	switch (command) {
	case F_GETFL:
		return shown(fd, RSIPC_REAL(fcntl)(fd, F_GETFL));
	case F_SETFL:
		return set_flags(fd, argument);
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return duplicated(fd, RSIPC_REAL(fcntl)(fd, command, argument));
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return set_lock(fd, command, argument);
	case F_SETSIG:
		return set_signal(fd, argument);
	case F_GETSIG:
		return rsipc_is_queue(fd) ? 0 : RSIPC_REAL(fcntl)(fd, F_GETSIG);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		if (rsipc_is_queue(fd))
			return rsipc_return(EBADF);
	}
	return RSIPC_REAL(fcntl)(fd, command, argument);
}

int rsipc_c_fcntl(int fd, int command, long argument)
{
	return rsipc_concerns(CONCERNED) ? fcntl_concerned(fd, command, argument)
					 : RSIPC_REAL(fcntl)(fd, command, argument);
}

/* The bytes of the status line that are left. The kernel has written the number of those in the
 * FIFO, so the place is valid. */
static int left_to_read(int fd, int *left)
{
	int result = RSIPC_REAL(ioctl)(fd, FIONREAD, left);
	if (result != 0 || !rsipc_is_queue(fd))
		return result;
	int of_line = rsipc_queue_left(&rsipc_thread, fd);
	if (of_line != RSIPC_NOT_A_QUEUE)
		*left = of_line;
	return 0;
}

__attribute__((noinline, cold)) static int ioctl_concerned(int fd, unsigned long request,
							   long argument)
{
	if (rsipc_is_spared(fd))
		return rsipc_return(EBADF);
	if ((unsigned)request == FIONREAD)
		return left_to_read(fd, (int *)argument);
	if ((unsigned)request == FIOASYNC && rsipc_is_queue(fd))
		return rsipc_return(ENOTTY);
	return RSIPC_REAL(ioctl)(fd, request, argument);
}

int rsipc_c_ioctl(int fd, unsigned long request, long argument)
{
	return rsipc_concerns(CONCERNED) ? ioctl_concerned(fd, request, argument)
					 : RSIPC_REAL(ioctl)(fd, request, argument);
}
