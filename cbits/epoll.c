/* epoll, as far as queues are in its sets: see poll.c. */
#define _GNU_SOURCE
#include "concern.h"
#include "poll_time.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <stdint.h>
#include <sys/epoll.h>

#pragma GCC visibility push(hidden)
void rsipc_before_epoll_ctl(struct rsipc_thread **thread, int epoll, int fd,
			    const struct epoll_event *event);
void rsipc_after_epoll_ctl(struct rsipc_thread **thread, int epoll, int fd,
			   const struct epoll_event *event);
void rsipc_after_epoll_del(struct rsipc_thread **thread, int epoll, int fd);
void rsipc_note_epoll_ctl(int epoll, int fd, uint32_t events);
void rsipc_before_epoll_wait(struct rsipc_thread **thread, int epoll, int may_sleep,
			     int *reasons);
int rsipc_count_untold_of_epoll(struct rsipc_thread **thread, int epoll,
				const struct epoll_event *events, int count, int most);
int rsipc_after_epoll_wait(struct rsipc_thread **thread, int epoll, struct epoll_event *events,
			   int count, int may_wait, int *too_early);

int rsipc_c_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int rsipc_c_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout);
int rsipc_c_epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout,
			const sigset_t *mask);
int rsipc_c_epoll_pwait2(int epoll, struct epoll_event *events, int most,
			 const struct timespec *timeout, const sigset_t *mask);
#pragma GCC visibility pop

RSIPC_AS_DECLARED(epoll_ctl);
RSIPC_AS_DECLARED(epoll_wait);
RSIPC_AS_DECLARED(epoll_pwait);

int rsipc_c_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	int may_be_queue = rsipc_concerns(RSIPC_QUEUES) && operation != EPOLL_CTL_DEL;
	if (may_be_queue)
		rsipc_before_epoll_ctl(&rsipc_thread, epoll, fd, event);
	int result = RSIPC_REAL(epoll_ctl)(epoll, operation, fd, event);
	if (result == 0 && operation != EPOLL_CTL_DEL)
		rsipc_note_epoll_ctl(epoll, fd, event->events);
	if (may_be_queue && result == 0)
		rsipc_after_epoll_ctl(&rsipc_thread, epoll, fd, event);
	if (operation == EPOLL_CTL_DEL && result == 0 && rsipc_concerns(RSIPC_IN_EPOLL))
		rsipc_after_epoll_del(&rsipc_thread, epoll, fd);
	return result;
}

/* epoll_wait with a mask for the time of the wait, or without one. */
struct waiting {
	int epoll, most, has_mask;
	struct epoll_event *events;
	const sigset_t *mask;
};

static int wait_once(const struct waiting *waiting, int timeout)
{
	if (waiting->has_mask)
		return RSIPC_REAL(epoll_pwait)(waiting->epoll, waiting->events, waiting->most,
					       timeout, waiting->mask);
	return RSIPC_REAL(epoll_wait)(waiting->epoll, waiting->events, waiting->most, timeout);
}

/* If a queue in the set has what is waited for, and the kernel does not know of it, it is told.
 * Other events that it has reported are kept: it may do so only once. */
static int look_and_wait(const struct waiting *waiting, int timeout, int reasons)
{
	int ready = wait_once(waiting, reasons ? 0 : timeout);
	if (!reasons || ready < 0)
		return ready;
	int is_missing = (reasons & RSIPC_EXPECTED) &&
			 rsipc_count_untold_of_epoll(&rsipc_thread, waiting->epoll,
						     waiting->events, ready, waiting->most);
	if (ready > 0 || (!is_missing && timeout == 0))
		return ready;
	if (!is_missing && rsipc_ended_by_handler(reasons) < 0)
		return -1;
	return wait_once(waiting, timeout);
}

/* Corrects an answer. An edge, which the kernel reports only once, is kept for as long as it is too
 * early, unless there is something else to report, a signal or the timeout. */
static int correct(const struct waiting *waiting, int ready, int *too_early, int may_wait,
		   int64_t end)
{
	struct rsipc_rest rest = { 0 };
	int is_alone = ready == 1;
	for (;;) {
		*too_early = 0;
		ready = rsipc_after_epoll_wait(&rsipc_thread, waiting->epoll, waiting->events,
					       ready, rsipc_may_wait(&rest, ready), too_early);
		if (!is_alone || ready == 0 || !*too_early || !may_wait)
			return ready;
		if (rsipc_take_rest(&rest, waiting->epoll, end, waiting->mask) != 0)
			return ready;
		may_wait = !end || rsipc_now_ns() < end;
	}
}

__attribute__((noinline)) static int wait_for_queues(const struct waiting *waiting, int timeout)
{
	int64_t end = rsipc_end_of_ms(timeout);
	struct rsipc_rest rest = { 0 };
	int too_early = 0, reasons = 0;
	for (;;) {
		if (!too_early)
			rsipc_before_epoll_wait(&rsipc_thread, waiting->epoll, timeout != 0,
						&reasons);
		int ready = look_and_wait(waiting, timeout, reasons);
		if (ready <= 0)
			return ready;
		ready = correct(waiting, ready, &too_early, timeout != 0, end);
		if (ready > 0 || timeout == 0)
			return ready;
		if (too_early && rsipc_take_rest(&rest, -1, end, waiting->mask) < 0)
			return -1;
		timeout = rsipc_ms_until(end, timeout);
	}
}

int rsipc_c_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	if (!rsipc_concerns(RSIPC_IN_EPOLL))
		return RSIPC_REAL(epoll_wait)(epoll, events, most, timeout);
	struct waiting waiting = { .epoll = epoll, .most = most, .events = events };
	return wait_for_queues(&waiting, timeout);
}

int rsipc_c_epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout,
			const sigset_t *mask)
{
	if (!rsipc_concerns(RSIPC_IN_EPOLL))
		return RSIPC_REAL(epoll_pwait)(epoll, events, most, timeout, mask);
	struct waiting waiting = {
		.epoll = epoll, .most = most, .events = events, .mask = mask, .has_mask = 1
	};
	return wait_for_queues(&waiting, timeout);
}

/* The answer is not corrected here: the call is seldom used, and the kernel reads its timeout. */
int rsipc_c_epoll_pwait2(int epoll, struct epoll_event *events, int most,
			 const struct timespec *timeout, const sigset_t *mask)
{
	int reasons = 0;
	if (rsipc_concerns(RSIPC_IN_EPOLL))
		/* It does not spin, so no handler is missed. */
		rsipc_before_epoll_wait(&rsipc_thread, epoll, 0, &reasons);
	/* Without a look: its timeout would not be the program's, which the kernel may refuse. */
	if (reasons & RSIPC_EXPECTED)
		rsipc_count_untold_of_epoll(&rsipc_thread, epoll, events, 0, most);
	return RSIPC_REAL(epoll_pwait2)(epoll, events, most, timeout, mask);
}
