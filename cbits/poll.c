/* The calls that wait for descriptors. They are the kernel's; here the FIFOs of the queues among the descriptors are only
 * brought up to date before (mq/poll of the core). */
#define _GNU_SOURCE
#include "concern.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>

#pragma GCC visibility push(hidden)
void rsipc_before_poll(struct rsipc_thread **thread, const struct pollfd *fds, nfds_t count, int may_sleep);
void rsipc_before_select(struct rsipc_thread **thread, int count, const fd_set *const sets[3], int may_sleep);

int rsipc_c_poll(struct pollfd *fds, nfds_t count, int timeout);
int rsipc_c_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int rsipc_c_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int rsipc_c_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
		      size_t size);
int rsipc_c_select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
int rsipc_c_pselect(int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
		    const sigset_t *mask);
#pragma GCC visibility pop

int rsipc_c_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (rsipc_concerns(RSIPC_QUEUES))
		rsipc_before_poll(&rsipc_thread, fds, count, timeout != 0);
	return RSIPC_REAL(poll)(fds, count, timeout);
}

/* The C library reads a timeout itself, as we do. */
int rsipc_c_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	if (rsipc_concerns(RSIPC_QUEUES))
		rsipc_before_poll(&rsipc_thread, fds, count, !timeout || timeout->tv_sec || timeout->tv_nsec);
	return RSIPC_REAL(ppoll)(fds, count, timeout, mask);
}

/* The forms that _FORTIFY_SOURCE makes of the two. */
int rsipc_c_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	if (size / sizeof *fds < count)
		abort();
	return rsipc_c_poll(fds, count, timeout);
}

int rsipc_c_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
		      size_t size)
{
	if (size / sizeof *fds < count)
		abort();
	return rsipc_c_ppoll(fds, count, timeout, mask);
}

static void before_select(int count, const fd_set *in, const fd_set *out, const fd_set *except, int may_sleep)
{
	rsipc_before_select(&rsipc_thread, count, (const fd_set *const[3]){ in, out, except }, may_sleep);
}

int rsipc_c_select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	if (rsipc_concerns(RSIPC_QUEUES))
		before_select(count, in, out, except, !timeout || timeout->tv_sec || timeout->tv_usec);
	return RSIPC_REAL(select)(count, in, out, except, timeout);
}

int rsipc_c_pselect(int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
		    const sigset_t *mask)
{
	if (rsipc_concerns(RSIPC_QUEUES))
		before_select(count, in, out, except, !timeout || timeout->tv_sec || timeout->tv_nsec);
	return RSIPC_REAL(pselect)(count, in, out, except, timeout, mask);
}
