/* The calls that wait for descriptors. They are the kernel's; here the FIFOs of the queues among
 * the descriptors are brought up to date first, and events that were reported in vain or too early
 * are removed from the answer (mq/poll of the core). A call that has to find something looks
 * before it sleeps (mq/poll/untold.rs). */
#define _GNU_SOURCE
#include "concern.h"
#include "poll_time.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#pragma GCC visibility push(hidden)
int rsipc_before_poll(struct rsipc_thread **thread, const struct pollfd *fds, nfds_t count,
		      int may_sleep, int *reasons);
int rsipc_count_untold_of_poll(struct rsipc_thread **thread, const struct pollfd *fds,
			       nfds_t count);
int rsipc_after_poll(struct rsipc_thread **thread, struct pollfd *fds, nfds_t count, int may_wait,
		     int *too_early);
int rsipc_before_select(struct rsipc_thread **thread, int count, fd_set *const sets[3],
			int may_sleep, int *reasons);
int rsipc_count_untold_of_select(struct rsipc_thread **thread, int count,
				 fd_set *const asked[2], fd_set *const told[2]);
int rsipc_after_select(struct rsipc_thread **thread, int count, fd_set *const sets[3],
		       int may_wait, int *too_early);

int rsipc_c_poll(struct pollfd *fds, nfds_t count, int timeout);
int rsipc_c_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		  const sigset_t *mask);
int rsipc_c_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int rsipc_c_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		      const sigset_t *mask, size_t size);
int rsipc_c_select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
int rsipc_c_pselect(int count, fd_set *in, fd_set *out, fd_set *except,
		    const struct timespec *timeout, const sigset_t *mask);
#pragma GCC visibility pop

RSIPC_AS_DECLARED(poll);
RSIPC_AS_DECLARED(ppoll);
RSIPC_AS_DECLARED(select);
RSIPC_AS_DECLARED(pselect);

/* After a look: whether a queue that has what is polled for is missing in the answer. The kernel
 * knows of it now, and is asked again: a program expects all events in one answer. */
static int has_missed_queue(const struct pollfd *fds, nfds_t count, int reasons)
{
	return (reasons & RSIPC_EXPECTED) &&
	       rsipc_count_untold_of_poll(&rsipc_thread, fds, count);
}

static int poll_once(struct pollfd *fds, nfds_t count, int timeout, int reasons)
{
	int ready = RSIPC_REAL(poll)(fds, count, reasons ? 0 : timeout);
	if (!reasons || ready < 0)
		return ready;
	int is_missing = has_missed_queue(fds, count, reasons);
	if (!is_missing && (ready > 0 || timeout == 0))
		return ready;
	if (!is_missing && rsipc_ended_by_handler(reasons) < 0)
		return -1;
	return RSIPC_REAL(poll)(fds, count, timeout);
}

__attribute__((noinline)) static int poll_queues(struct pollfd *fds, nfds_t count, int timeout)
{
	int reasons = 0;
	if (rsipc_before_poll(&rsipc_thread, fds, count, timeout != 0, &reasons) == 0)
		return RSIPC_REAL(poll)(fds, count, timeout);
	int64_t end = rsipc_end_of_ms(timeout);
	struct rsipc_rest rest = { 0 };
	for (;;) {
		int too_early = 0, ready = poll_once(fds, count, timeout, reasons);
		if (ready > 0)
			ready -= rsipc_after_poll(&rsipc_thread, fds, count,
						  rsipc_may_wait(&rest, ready), &too_early);
		else
			return ready;
		if (ready > 0 || timeout == 0)
			return ready;
		if (too_early && rsipc_take_rest(&rest, -1, end, NULL) < 0)
			return -1;
		timeout = rsipc_ms_until(end, timeout);
		if (!too_early)
			rsipc_before_poll(&rsipc_thread, fds, count, timeout != 0, &reasons);
	}
}

int rsipc_c_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return rsipc_concerns(RSIPC_QUEUES) ? poll_queues(fds, count, timeout)
					    : RSIPC_REAL(poll)(fds, count, timeout);
}

static int ppoll_once(struct pollfd *fds, nfds_t count, const struct timespec *wait,
		      const sigset_t *mask, int reasons)
{
	/* The kernel has to see a timeout that it refuses. */
	if (!rsipc_is_time(wait))
		reasons = 0;
	int ready = RSIPC_REAL(ppoll)(fds, count, reasons ? &rsipc_at_once : wait, mask);
	if (!reasons || ready < 0)
		return ready;
	int is_missing = has_missed_queue(fds, count, reasons);
	if (!is_missing && (ready > 0 || rsipc_ended_by_handler(reasons) < 0))
		return ready > 0 ? ready : -1;
	return RSIPC_REAL(ppoll)(fds, count, wait, mask);
}

/* The C library reads a timeout itself, as we do. */
__attribute__((noinline)) static int
ppoll_queues(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	int may_sleep = !timeout || timeout->tv_sec || timeout->tv_nsec;
	int reasons = 0;
	if (rsipc_before_poll(&rsipc_thread, fds, count, may_sleep, &reasons) == 0)
		return RSIPC_REAL(ppoll)(fds, count, timeout, mask);
	struct timespec left = timeout ? *timeout : (struct timespec){ 0 };
	int64_t end = timeout ? rsipc_end_of(left) : 0;
	struct rsipc_rest rest = { 0 };
	for (;;) {
		int too_early = 0;
		int ready = ppoll_once(fds, count, timeout ? &left : NULL, mask, reasons);
		if (ready > 0)
			ready -= rsipc_after_poll(&rsipc_thread, fds, count,
						  rsipc_may_wait(&rest, ready), &too_early);
		else
			return ready;
		if (ready > 0 || !may_sleep)
			return ready;
		if (too_early && rsipc_take_rest(&rest, -1, end, mask) < 0)
			return -1;
		if (timeout)
			may_sleep = rsipc_time_until(end, &left);
		if (!too_early)
			rsipc_before_poll(&rsipc_thread, fds, count, may_sleep, &reasons);
	}
}

int rsipc_c_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		  const sigset_t *mask)
{
	return rsipc_concerns(RSIPC_QUEUES) ? ppoll_queues(fds, count, timeout, mask) :
					      RSIPC_REAL(ppoll)(fds, count, timeout, mask);
}

/* The forms that _FORTIFY_SOURCE makes of the two. */
int rsipc_c_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	if (size / sizeof *fds < count)
		abort();
	return rsipc_c_poll(fds, count, timeout);
}

int rsipc_c_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		      const sigset_t *mask, size_t size)
{
	if (size / sizeof *fds < count)
		abort();
	return rsipc_c_ppoll(fds, count, timeout, mask);
}

/* What a select was asked, before the answer takes its place. */
struct asked {
	int count;
	int reasons; /* why it does not sleep */
	fd_set *sets[3];
	fd_set copies[3];
};

static void copy_sets(struct asked *asked, int back)
{
	size_t bytes = ((size_t)asked->count + 63) / 64 * 8;
	for (int i = 0; i < 3; i++)
		if (asked->sets[i])
			memcpy(back ? asked->sets[i] : &asked->copies[i],
			       back ? &asked->copies[i] : asked->sets[i], bytes);
}

static int before_select(struct asked *asked, int may_sleep)
{
	return rsipc_before_select(&rsipc_thread, asked->count, asked->sets, may_sleep,
				   &asked->reasons);
}

/* After a look: whether it has missed a queue that has what is asked for, of which the kernel now
 * knows. */
static int has_missed(struct asked *asked)
{
	if (!(asked->reasons & RSIPC_EXPECTED))
		return 0;
	fd_set *were[2], *are[2];
	for (int i = 0; i < 2; i++) {
		are[i] = asked->sets[i];
		were[i] = are[i] ? &asked->copies[i] : NULL;
	}
	return rsipc_count_untold_of_select(&rsipc_thread, asked->count, were, are);
}

/* Whether there is nothing left of an answer. Larger sets are answered as the kernel does. */
static int is_in_vain(struct asked *asked, const struct rsipc_rest *rest, int *ready,
		      int *too_early)
{
	*too_early = 0;
	if (*ready <= 0 || asked->count > FD_SETSIZE)
		return 0;
	*ready -= rsipc_after_select(&rsipc_thread, asked->count, asked->sets,
				     rsipc_may_wait(rest, *ready), too_early);
	return *ready == 0;
}

/* The kernel leaves in the timeout what is left of it, and so do rests. */
static int rest_of_select(struct rsipc_rest *rest, struct timeval *timeout)
{
	struct timespec left = { 0 };
	int64_t end = 0;
	if (timeout) {
		left = (struct timespec){ timeout->tv_sec, timeout->tv_usec * 1000 };
		end = rsipc_end_of(left);
	}
	int result = rsipc_take_rest(rest, -1, end, NULL);
	if (timeout) {
		rsipc_time_until(end, &left);
		*timeout = (struct timeval){ left.tv_sec, left.tv_nsec / 1000 };
	}
	return result;
}

/* What is left of a timeout after a look that began then, as the kernel writes it. */
static void write_rest(struct timeval *timeout, int64_t begin)
{
	time_t seconds;
	int64_t spent = (rsipc_now_ns() - begin) / 1000 + 1;
	int64_t rest = timeout->tv_usec % 1000000 - spent;
	int64_t carry = timeout->tv_usec / 1000000;
	for (; rest < 0; rest += 1000000)
		carry--;
	if (!__builtin_add_overflow(timeout->tv_sec, carry, &seconds))
		*timeout = seconds < 0 ? (struct timeval){ 0 } :
					 (struct timeval){ seconds, (suseconds_t)rest };
}

static int select_once(struct asked *asked, struct timeval *timeout)
{
	fd_set *const *sets = asked->sets;
	/* Of larger sets there is no copy, and the kernel has to see a timeout that it refuses. */
	int may_look = asked->count <= FD_SETSIZE &&
		       (!timeout || (timeout->tv_sec >= 0 && timeout->tv_usec >= 0));
	if (!asked->reasons || !may_look)
		return RSIPC_REAL(select)(asked->count, sets[0], sets[1], sets[2], timeout);
	int64_t begin = rsipc_now_ns();
	int ready = RSIPC_REAL(select)(asked->count, sets[0], sets[1], sets[2],
				       &(struct timeval){ 0 });
	int is_missing = ready >= 0 && has_missed(asked);
	if (ready == 0 || is_missing) {
		/* A call that fails leaves the sets as they were. */
		copy_sets(asked, 1);
		if (!is_missing && rsipc_ended_by_handler(asked->reasons) < 0) {
			if (timeout)
				write_rest(timeout, begin);
			return -1;
		}
		return RSIPC_REAL(select)(asked->count, sets[0], sets[1], sets[2], timeout);
	}
	if (timeout && (timeout->tv_sec || timeout->tv_usec))
		write_rest(timeout, begin);
	return ready;
}

__attribute__((noinline)) static int select_queues(struct asked *asked, struct timeval *timeout)
{
	int may_sleep = !timeout || timeout->tv_sec || timeout->tv_usec;
	int queues = before_select(asked, may_sleep);
	if (queues > 0 && asked->count <= FD_SETSIZE)
		copy_sets(asked, 0);
	struct rsipc_rest rest = { 0 };
	for (;;) {
		int ready = select_once(asked, timeout);
		int too_early;
		if (queues == 0 || !is_in_vain(asked, &rest, &ready, &too_early) || !may_sleep)
			return ready;
		copy_sets(asked, 1);
		if (too_early && rest_of_select(&rest, timeout) < 0)
			return -1;
		may_sleep = !timeout || timeout->tv_sec || timeout->tv_usec;
		if (!too_early)
			before_select(asked, may_sleep);
	}
}

int rsipc_c_select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	if (!rsipc_concerns(RSIPC_QUEUES))
		return RSIPC_REAL(select)(count, in, out, except, timeout);
	struct asked asked;
	asked.count = count;
	asked.reasons = 0;
	memcpy(asked.sets, (fd_set *[3]){ in, out, except }, sizeof asked.sets);
	return select_queues(&asked, timeout);
}

static int pselect_once(struct asked *asked, const struct timespec *wait, const sigset_t *mask)
{
	fd_set *const *sets = asked->sets;
	int looks = asked->reasons && asked->count <= FD_SETSIZE && rsipc_is_time(wait);
	int ready = RSIPC_REAL(pselect)(asked->count, sets[0], sets[1], sets[2],
					looks ? &rsipc_at_once : wait, mask);
	if (!looks || ready < 0)
		return ready;
	int is_missing = has_missed(asked);
	if (!is_missing && ready > 0)
		return ready;
	copy_sets(asked, 1);
	if (!is_missing && rsipc_ended_by_handler(asked->reasons) < 0)
		return -1;
	return RSIPC_REAL(pselect)(asked->count, sets[0], sets[1], sets[2], wait, mask);
}

__attribute__((noinline)) static int
pselect_queues(struct asked *asked, const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left = timeout ? *timeout : (struct timespec){ 0 };
	int may_sleep = !timeout || left.tv_sec || left.tv_nsec;
	int64_t end = timeout ? rsipc_end_of(left) : 0;
	int queues = before_select(asked, may_sleep);
	if (queues > 0 && asked->count <= FD_SETSIZE)
		copy_sets(asked, 0);
	struct rsipc_rest rest = { 0 };
	for (;;) {
		int ready = pselect_once(asked, timeout ? &left : NULL, mask);
		int too_early;
		if (queues == 0 || !is_in_vain(asked, &rest, &ready, &too_early) || !may_sleep)
			return ready;
		copy_sets(asked, 1);
		if (too_early && rsipc_take_rest(&rest, -1, end, mask) < 0)
			return -1;
		if (timeout)
			may_sleep = rsipc_time_until(end, &left);
		if (!too_early)
			before_select(asked, may_sleep);
	}
}

int rsipc_c_pselect(int count, fd_set *in, fd_set *out, fd_set *except,
		    const struct timespec *timeout, const sigset_t *mask)
{
	if (!rsipc_concerns(RSIPC_QUEUES))
		return RSIPC_REAL(pselect)(count, in, out, except, timeout, mask);
	struct asked asked;
	asked.count = count;
	asked.reasons = 0;
	memcpy(asked.sets, (fd_set *[3]){ in, out, except }, sizeof asked.sets);
	return pselect_queues(&asked, timeout, mask);
}
