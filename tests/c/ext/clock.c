/* rsipc_mq_clocksend and rsipc_mq_clockreceive: deadlines on either clock. */
#include <rsipc.h>
#include "../support/queue_thread.h"

static char got[SMALL_SIZE];

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec when;
	CHECK_OK(clock_gettime(clock, &when));
	when.tv_nsec += ms * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

static bool has_passed(clockid_t clock, struct timespec when)
{
	struct timespec now = in_ms(clock, 0);
	return now.tv_sec > when.tv_sec ||
	       (now.tv_sec == when.tv_sec && now.tv_nsec >= when.tv_nsec);
}

static void gives_up(clockid_t clock)
{
	mqd_t queue = queue_small(0);
	struct timespec when = in_ms(clock, 50);
	CHECK_FAILS(rsipc_mq_clockreceive(queue, got, sizeof got, NULL, clock, &when), ETIMEDOUT);
	CHECK(has_passed(clock, when));
	queue_fill(queue);
	when = in_ms(clock, 50);
	CHECK_FAILS(rsipc_mq_clocksend(queue, "x", 1, 0, clock, &when), ETIMEDOUT);
	CHECK(has_passed(clock, when));
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(clock_waits_end_by_the_monotonic_clock)
{
	gives_up(CLOCK_MONOTONIC);
}

CASE(clock_waits_end_by_the_realtime_clock)
{
	gives_up(CLOCK_REALTIME);
}

CASE(clock_of_another_kind_is_einval_and_nothing_happens)
{
	mqd_t queue = queue_small(0);
	struct timespec when = in_ms(CLOCK_MONOTONIC, 10000);
	for (int clock = -1; clock < 12; clock++) {
		if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC)
			continue;
		CHECK_FAILS(rsipc_mq_clocksend(queue, "x", 1, 0, clock, &when), EINVAL);
		CHECK_FAILS(rsipc_mq_clocksend(queue, "x", 1, 0, clock, NULL), EINVAL);
		CHECK_FAILS(rsipc_mq_clockreceive(queue, got, sizeof got, NULL, clock, &when),
			    EINVAL);
	}
	CHECK_EQ(queue_count(queue), 0);
}

CASE(clock_times_are_checked_before_the_queue)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };
	CHECK_FAILS(rsipc_mq_clocksend(-1, "x", 1, 0, CLOCK_MONOTONIC, &bad), EINVAL);
	CHECK_FAILS(rsipc_mq_clockreceive(-1, got, sizeof got, NULL, CLOCK_MONOTONIC, &negative),
		    EINVAL);
	CHECK_FAILS(rsipc_mq_clocksend(-1, "x", 1, 0, CLOCK_MONOTONIC, NULL), EBADF);
}

CASE(clock_calls_without_an_end_move_messages)
{
	mqd_t queue = queue_small(0);
	unsigned priority;
	errno = 0;
	CHECK_OK(rsipc_mq_clocksend(queue, "hello", 5, 7, CLOCK_MONOTONIC, NULL));
	CHECK_EQ(rsipc_mq_clockreceive(queue, got, sizeof got, &priority, CLOCK_MONOTONIC, NULL),
		 5);
	CHECK_EQ(priority, 7);
	CHECK_EQ(memcmp(got, "hello", 5), 0);
	CHECK_EQ(errno, 0);
}

CASE(clock_of_the_past_still_takes_what_is_there)
{
	mqd_t queue = queue_small(0);
	struct timespec past = { 0, 0 };
	queue_put(queue, "there", 0);
	CHECK_EQ(rsipc_mq_clockreceive(queue, got, sizeof got, NULL, CLOCK_MONOTONIC, &past), 5);
	CHECK_FAILS(rsipc_mq_clockreceive(queue, got, sizeof got, NULL, CLOCK_MONOTONIC, &past),
		    ETIMEDOUT);
}

static void *receives(void *queue)
{
	struct timespec when = in_ms(CLOCK_MONOTONIC, 60000);
	CHECK_EQ(rsipc_mq_clockreceive((mqd_t)(long)queue, got, sizeof got, NULL, CLOCK_MONOTONIC,
				       &when), 4);
	return NULL;
}

CASE(clock_waits_are_woken_by_a_message)
{
	mqd_t queue = queue_small(0);
	pthread_t thread = queue_thread_asleep(queue, receives);
	queue_put(queue, "woke", 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(clock_waits_are_cancellation_points)
{
	queue_thread_is_cancelled_asleep(queue_small(0), receives);
}

CASE(clock_calls_of_a_nonblocking_descriptor_do_not_wait)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	struct timespec when = in_ms(CLOCK_MONOTONIC, 60000);
	CHECK_FAILS(rsipc_mq_clockreceive(queue, got, sizeof got, NULL, CLOCK_MONOTONIC, &when),
		    EAGAIN);
	queue_fill(queue);
	CHECK_FAILS(rsipc_mq_clocksend(queue, "x", 1, 0, CLOCK_MONOTONIC, &when), EAGAIN);
}
