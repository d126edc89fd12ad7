/* The calls that wait for descriptors. They are the kernel's; here it is only told apart whether a queue is among the
 * descriptors, so that its FIFO tells the truth while somebody looks at it (mq/bell.rs). */
#define _GNU_SOURCE
#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>

#pragma GCC visibility push(hidden)
int rsipc_is_queue(int fd);
void rsipc_poll_begin(struct rsipc_thread **thread, int fd, int watch);
void rsipc_poll_end(struct rsipc_thread **thread, int fd);

int rsipc_c_poll(struct pollfd *fds, nfds_t count, int timeout);
int rsipc_c_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int rsipc_c_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int rsipc_c_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask,
		      size_t size);
int rsipc_c_select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
int rsipc_c_pselect(int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
		    const sigset_t *mask);
int rsipc_c_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
#pragma GCC visibility pop

/* The descriptors of one call, in either form. */
struct polled {
	const struct pollfd *fds;
	nfds_t count;
	const fd_set *sets[3];
	int highest;
};

/* Does something for each queue among them, and returns how many there are. */
static int for_queues(const struct polled *polled, void (*act)(int fd))
{
	int queues = 0;
	for (nfds_t i = 0; i < polled->count; i++) {
		if (polled->fds[i].fd >= 0 && rsipc_is_queue(polled->fds[i].fd)) {
			act(polled->fds[i].fd);
			queues++;
		}
	}
	for (int fd = 0; fd < polled->highest; fd++) {
		int asked = 0;
		for (int set = 0; set < 3; set++)
			asked |= polled->sets[set] && FD_ISSET(fd, polled->sets[set]);
		if (asked && rsipc_is_queue(fd)) {
			act(fd);
			queues++;
		}
	}
	return queues;
}

static void begin(int fd)
{
	rsipc_poll_begin(&rsipc_thread, fd, 0);
}

static void end(int fd)
{
	rsipc_poll_end(&rsipc_thread, fd);
}

static void end_all(void *polled)
{
	int before = errno;
	for_queues(polled, end);
	errno = before;
}

/* Runs `call` with the queues of `polled` announced. The thread may be cancelled in it. */
#define WITH_QUEUES(polled, call)                                                    \
	(__extension__({                                                             \
		int result_;                                                         \
		pthread_cleanup_push(end_all, polled);                               \
		result_ = (call);                                                    \
		pthread_cleanup_pop(1);                                              \
		result_;                                                             \
	}))

int rsipc_c_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct polled polled = { .fds = fds, .count = fds ? count : 0 };
	if (for_queues(&polled, begin) == 0)
		return RSIPC_REAL(poll)(fds, count, timeout);
	return WITH_QUEUES(&polled, RSIPC_REAL(poll)(fds, count, timeout));
}

int rsipc_c_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct polled polled = { .fds = fds, .count = fds ? count : 0 };
	if (for_queues(&polled, begin) == 0)
		return RSIPC_REAL(ppoll)(fds, count, timeout, mask);
	return WITH_QUEUES(&polled, RSIPC_REAL(ppoll)(fds, count, timeout, mask));
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

/* The call changes the sets, so what was announced is kept in copies. */
struct copied {
	fd_set sets[3];
	struct polled polled;
};

static int begin_select(struct copied *copied, int count, const fd_set *in, const fd_set *out, const fd_set *except)
{
	const fd_set *given[3] = { in, out, except };
	*copied = (struct copied){ .polled.highest = count > FD_SETSIZE ? FD_SETSIZE : count };
	for (int set = 0; set < 3; set++) {
		if (given[set]) {
			copied->sets[set] = *given[set];
			copied->polled.sets[set] = &copied->sets[set];
		}
	}
	return for_queues(&copied->polled, begin);
}

int rsipc_c_select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	struct copied copied;
	if (begin_select(&copied, count, in, out, except) == 0)
		return RSIPC_REAL(select)(count, in, out, except, timeout);
	return WITH_QUEUES(&copied.polled, RSIPC_REAL(select)(count, in, out, except, timeout));
}

int rsipc_c_pselect(int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
		    const sigset_t *mask)
{
	struct copied copied;
	if (begin_select(&copied, count, in, out, except) == 0)
		return RSIPC_REAL(pselect)(count, in, out, except, timeout, mask);
	return WITH_QUEUES(&copied.polled, RSIPC_REAL(pselect)(count, in, out, except, timeout, mask));
}

int rsipc_c_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	if (operation != EPOLL_CTL_DEL && rsipc_is_queue(fd))
		rsipc_poll_begin(&rsipc_thread, fd, 1);
	return RSIPC_REAL(epoll_ctl)(epoll, operation, fd, event);
}
