/* Times of whole seconds, as the kernel notes them. */
#ifndef SUPPORT_SECONDS_H
#define SUPPORT_SECONDS_H

#include "check.h"

static time_t second_of(clockid_t clock)
{
	struct timespec time;
	CHECK_OK(clock_gettime(clock, &time));
	return time.tv_sec;
}

/* The kernel reads the coarse clock, which is up to a tick behind the other one: the second that no
 * later time is before, and the one that no earlier time is after. */
__attribute__((unused)) static time_t now_at_least(void)
{
	return second_of(CLOCK_REALTIME_COARSE);
}

__attribute__((unused)) static time_t now_at_most(void)
{
	return second_of(CLOCK_REALTIME);
}

/* Until the next second: then a time that is set anew differs. */
__attribute__((unused)) static void await_next_second_after(time_t time)
{
	CHECK_SOON(now_at_least() > time);
}

#endif
