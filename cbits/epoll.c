/* epoll, as far as queues are in its sets: see poll.c. */
#define _GNU_SOURCE
#include "concern.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <sys/epoll.h>

#pragma GCC visibility push(hidden)
void rsipc_before_epoll_ctl(struct rsipc_thread **thread, int fd, const struct epoll_event *event);
void rsipc_before_epoll_wait(struct rsipc_thread **thread, int may_sleep);

int rsipc_c_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int rsipc_c_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout);
int rsipc_c_epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask);
int rsipc_c_epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout,
			 const sigset_t *mask);
#pragma GCC visibility pop

int rsipc_c_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	if (rsipc_concerns(RSIPC_QUEUES) && operation != EPOLL_CTL_DEL)
		rsipc_before_epoll_ctl(&rsipc_thread, fd, event);
	return RSIPC_REAL(epoll_ctl)(epoll, operation, fd, event);
}

int rsipc_c_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	if (rsipc_concerns(RSIPC_WATCHED))
		rsipc_before_epoll_wait(&rsipc_thread, timeout != 0);
	return RSIPC_REAL(epoll_wait)(epoll, events, most, timeout);
}

int rsipc_c_epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask)
{
	if (rsipc_concerns(RSIPC_WATCHED))
		rsipc_before_epoll_wait(&rsipc_thread, timeout != 0);
	return RSIPC_REAL(epoll_pwait)(epoll, events, most, timeout, mask);
}

/* The kernel reads the timeout, so that we do not. */
int rsipc_c_epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout,
			 const sigset_t *mask)
{
	if (rsipc_concerns(RSIPC_WATCHED))
		rsipc_before_epoll_wait(&rsipc_thread, 0);
	return RSIPC_REAL(epoll_pwait2)(epoll, events, most, timeout, mask);
}
