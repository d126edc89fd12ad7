/* The end of a wait that is taken up again. */
#ifndef RSIPC_POLL_TIME_H
#define RSIPC_POLL_TIME_H

#include <limits.h>
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

/* False: there is no time left. */
static inline int rsipc_time_until(int64_t end, struct timespec *left)
{
	int64_t ns = end - rsipc_now_ns();
	ns = ns > 0 ? ns : 0;
	*left = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	return ns > 0;
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
