/* See raw.h: epoll and sockets. */
#define _GNU_SOURCE
#include "raw.h"
#include "raw_cancel.h"

#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* Bytes of the kernel's sigset_t, which is shorter than the C library's. */
#define SIGSET_SIZE (_NSIG / 8)

int rsipc_raw_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

/* Newer architectures have epoll_pwait alone. */
int rsipc_raw_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	return rsipc_raw_epoll_pwait(epoll, events, most, timeout, NULL);
}

int rsipc_raw_epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout,
			  const sigset_t *mask)
{
	return (int)RSIPC_CANCELLABLE(SYS_epoll_pwait, epoll, (long)events, most, timeout,
				      (long)mask, SIGSET_SIZE);
}

int rsipc_raw_epoll_pwait2(int epoll, struct epoll_event *events, int most,
			   const struct timespec *timeout, const sigset_t *mask)
{
	return (int)RSIPC_CANCELLABLE(SYS_epoll_pwait2, epoll, (long)events, most, (long)timeout,
				      (long)mask, SIGSET_SIZE);
}

ssize_t rsipc_raw_sendmsg(int socket, const struct msghdr *message, int flags)
{
	return RSIPC_CANCELLABLE(SYS_sendmsg, socket, (long)message, flags);
}

int rsipc_raw_sendmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags)
{
	return (int)RSIPC_CANCELLABLE(SYS_sendmmsg, socket, (long)messages, count, flags);
}
