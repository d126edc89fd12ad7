/* A wait that is taken up again: its end, and the rests in between. */
#ifndef RSIPC_POLL_TIME_H
#define RSIPC_POLL_TIME_H

#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>

static inline int64_t rsipc_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* In nanoseconds of CLOCK_MONOTONIC; far away for what is never waited for. */
static inline int64_t rsipc_end_of(struct timespec timeout)
{
	const int64_t longest = INT64_MAX / 2;
	return timeout.tv_sec < longest / 1000000000
		       ? rsipc_now_ns() + timeout.tv_sec * 1000000000 + timeout.tv_nsec
		       : longest;
}

static inline int64_t rsipc_end_of_ms(int timeout)
{
	return timeout > 0 ? rsipc_now_ns() + timeout * 1000000LL : 0;
}

static const struct timespec rsipc_at_once = { 0 };

/* Whether the kernel accepts it as a timeout; NULL is none. */
static inline int rsipc_is_time(const struct timespec *wait)
{
	return !wait ||
	       (wait->tv_sec >= 0 && wait->tv_nsec >= 0 && wait->tv_nsec < 1000000000);
}

/* The result of a call that looks first for these reasons, and has found nothing: it ends if a
 * handler has run. 0: it may sleep after all. */
static inline int rsipc_ended_by_handler(int reasons)
{
	if (!(reasons & RSIPC_STRUCK))
		return 0;
	errno = EINTR;
	return -1;
}

/* False: there is no time left. */
static inline int rsipc_time_until(int64_t end, struct timespec *left)
{
	int64_t ns = end - rsipc_now_ns();
	ns = ns > 0 ? ns : 0;
	*left = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	return ns > 0;
}

/* What the kernel has reported is about to be there, and the kernel would report it again at once
 * (mq/poll/answer.rs of the core). */
struct rsipc_rest {
	int64_t ns; /* the last one; 0: none so far */
};

/* Whether what one answer tells of may be waited for, for a moment. */
static inline int rsipc_may_wait(const struct rsipc_rest *rest, int ready)
{
	return ready == 1 && rest->ns == 0;
}

/* Sleeps for a moment, longer each time, and not beyond `end`, if that is not 0; ends when the
 * epoll has another event, if that is not -1. The result is that of ppoll. */
static inline int rsipc_take_rest(struct rsipc_rest *rest, int epoll, int64_t end,
				  const sigset_t *mask)
{
	const int64_t shortest = 500000, longest = 8000000;
	int64_t left = end ? end - rsipc_now_ns() : longest;
	rest->ns = rest->ns ? rest->ns * 2 : shortest;
	if (rest->ns > longest)
		rest->ns = longest;
	int64_t ns = rest->ns < left ? rest->ns : left > 0 ? left : 0;
	struct pollfd in = { .fd = epoll, .events = POLLIN };
	return RSIPC_REAL(ppoll)(&in, 1, &(struct timespec){ .tv_nsec = ns }, mask);
}

/* Never too early. `timeout` is what it was: negative ones have no end. */
static inline int rsipc_ms_until(int64_t end, int timeout)
{
	if (timeout < 0)
		return timeout;
	int64_t ns = end - rsipc_now_ns();
	return ns > 0 ? (int)((ns + 999999) / 1000000) : 0;
}

#endif
