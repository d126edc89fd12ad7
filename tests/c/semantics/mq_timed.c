/* mq_timedsend and mq_timedreceive: absolute deadlines on CLOCK_REALTIME, looked at only
 * to wait. */
#include "../support/queue.h"

static const struct timespec long_ago = { 0, 0 };
static const struct timespec never = { 0x7fffffffffffffff, 999999999 };

static char got[SMALL_SIZE];

static int timed_receive(mqd_t queue, const struct timespec *when)
{
	return (int)mq_timedreceive(queue, got, sizeof got, NULL, when);
}

static int timed_send(mqd_t queue, const struct timespec *when)
{
	return mq_timedsend(queue, "timed", 5, 0, when);
}

static bool has_passed(struct timespec when)
{
	struct timespec now = deadline_ms(0);
	return now.tv_sec > when.tv_sec ||
	       (now.tv_sec == when.tv_sec && now.tv_nsec >= when.tv_nsec);
}

CASE(mq_timedsend_with_space_does_not_look_at_the_clock)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(timed_send(queue, &long_ago));
	queue_expect(queue, "timed", 0);
}

CASE(mq_timedreceive_of_a_message_does_not_look_at_the_clock)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "there", 0);
	CHECK_EQ(timed_receive(queue, &long_ago), 5);
}

CASE(mq_timedsend_gives_up_at_the_deadline)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	struct timespec when = deadline_ms(50);
	CHECK_FAILS(timed_send(queue, &when), ETIMEDOUT);
	CHECK(has_passed(when));
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
	queue_expect(queue, "filler", 1);
}

CASE(mq_timedreceive_gives_up_at_the_deadline)
{
	mqd_t queue = queue_small(0);
	struct timespec when = deadline_ms(50);
	CHECK_FAILS(timed_receive(queue, &when), ETIMEDOUT);
	CHECK(has_passed(when));
}

CASE(mq_timedreceive_keeps_to_a_deadline_beyond_a_second)
{
	mqd_t queue = queue_small(0);
	struct timespec when = deadline_ms(1300);
	CHECK_FAILS(timed_receive(queue, &when), ETIMEDOUT);
	CHECK(has_passed(when));
}

CASE(mq_timedsend_with_a_past_deadline_is_etimedout_at_once)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	CHECK_FAILS(timed_send(queue, &long_ago), ETIMEDOUT);
	struct timespec recently = deadline_ms(0);
	CHECK_FAILS(timed_send(queue, &recently), ETIMEDOUT);
}

CASE(mq_timedreceive_with_a_past_deadline_is_etimedout_at_once)
{
	mqd_t queue = queue_small(0);
	CHECK_FAILS(timed_receive(queue, &long_ago), ETIMEDOUT);
	struct timespec recently = deadline_ms(0);
	CHECK_FAILS(timed_receive(queue, &recently), ETIMEDOUT);
}

static const struct timespec bad_times[] = {
	{ 1, -1 },
	{ 1, 1000000000 },
	{ -1, 0 },
	{ -1, 999999999 },
	{ 0, (long)((unsigned long)1 << 63) },
};
enum { BAD_TIMES = sizeof bad_times / sizeof bad_times[0] };

CASE(mq_timedsend_with_a_bad_time_is_einval)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	for (int i = 0; i < BAD_TIMES; i++)
		CHECK_FAILS(timed_send(queue, &bad_times[i]), EINVAL);
}

CASE(mq_timedreceive_with_a_bad_time_is_einval)
{
	mqd_t queue = queue_small(0);
	for (int i = 0; i < BAD_TIMES; i++)
		CHECK_FAILS(timed_receive(queue, &bad_times[i]), EINVAL);
}

CASE(mq_timedsend_with_a_bad_time_is_einval_even_with_space)
{
	mqd_t queue = queue_small(0);
	for (int i = 0; i < BAD_TIMES; i++)
		CHECK_FAILS(timed_send(queue, &bad_times[i]), EINVAL);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_timedreceive_with_a_bad_time_is_einval_even_with_a_message)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "stays", 0);
	for (int i = 0; i < BAD_TIMES; i++)
		CHECK_FAILS(timed_receive(queue, &bad_times[i]), EINVAL);
	CHECK_EQ(queue_count(queue), 1);
}

CASE(mq_timed_calls_with_a_bad_time_are_einval_before_emsgsize_and_eagain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	char large[SMALL_SIZE + 1] = "";
	CHECK_FAILS(timed_receive(queue, &bad_times[0]), EINVAL);
	CHECK_FAILS(mq_timedreceive(queue, got, 1, NULL, &bad_times[0]), EINVAL);
	CHECK_FAILS(mq_timedsend(queue, large, sizeof large, 0, &bad_times[0]), EINVAL);
	queue_fill(queue);
	CHECK_FAILS(timed_send(queue, &bad_times[0]), EINVAL);
}

CASE(mq_timed_calls_on_a_nonblocking_queue_are_eagain_at_once)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	CHECK_FAILS(timed_receive(queue, &never), EAGAIN);
	CHECK_FAILS(timed_receive(queue, &long_ago), EAGAIN);
	queue_fill(queue);
	CHECK_FAILS(timed_send(queue, &never), EAGAIN);
	CHECK_FAILS(timed_send(queue, &long_ago), EAGAIN);
}

/* Hidden from the compiler, which knows that a time must be given. */
static const struct timespec *volatile no_time = NULL;

CASE(mq_timed_calls_without_a_time_wait_as_the_untimed_do)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(timed_send(queue, no_time));
	CHECK_EQ(timed_receive(queue, no_time), 5);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(timed_receive(queue, no_time), 4);
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "wake", 0);
	check_child(child);
}

CASE(mq_timedreceive_takes_a_message_that_comes_in_time)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		struct timespec when = deadline_ms(15000);
		CHECK_EQ(timed_receive(queue, &when), 4);
		CHECK(memcmp(got, "wake", 4) == 0);
		CHECK(!has_passed(when));
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "wake", 0);
	check_child(child);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_timedsend_uses_space_that_comes_in_time)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	pid_t child = check_fork();
	if (child == 0) {
		struct timespec when = deadline_ms(15000);
		CHECK_OK(timed_send(queue, &when));
		CHECK(!has_passed(when));
		_exit(0);
	}
	queue_await_asleep(child);
	queue_expect(queue, "filler", 1);
	check_child(child);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(mq_timedreceive_waits_for_a_deadline_at_the_end_of_time)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(timed_receive(queue, &never), 4);
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "wake", 0);
	check_child(child);
}

CASE(mq_timedsend_waits_for_a_deadline_at_the_end_of_time)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(timed_send(queue, &never));
		_exit(0);
	}
	queue_await_asleep(child);
	queue_expect(queue, "filler", 1);
	check_child(child);
}

CASE(mq_timedreceive_that_gave_up_takes_nothing_later)
{
	mqd_t queue = queue_small(0);
	struct timespec when = deadline_ms(5);
	CHECK_FAILS(timed_receive(queue, &when), ETIMEDOUT);
	queue_put(queue, "later", 0);
	CHECK_EQ(queue_count(queue), 1);
	queue_expect(queue, "later", 0);
}

CASE(mq_timedsend_that_gave_up_sends_nothing_later)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	struct timespec when = deadline_ms(5);
	CHECK_FAILS(timed_send(queue, &when), ETIMEDOUT);
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_timed_receivers_lose_no_message_to_a_deadline)
{
	/* Messages arrive about when the deadline strikes: each is either received or
	 * still there. */
	enum { ROUNDS = 300 };
	mqd_t queue = queue_small(0);
	atomic_int *go = shared_memory(sizeof *go);
	pid_t child = check_fork();
	for (int i = 0; child == 0 && i < ROUNDS; i++) {
		while (atomic_load(go) <= i)
			sched_yield();
		struct timespec when = deadline_us(i * 37 % 200);
		while (!has_passed(when))
			;
		CHECK_OK(mq_send(queue, (char *)&i, sizeof i, 0));
	}
	if (child == 0)
		_exit(0);
	for (int i = 0; i < ROUNDS; i++) {
		struct timespec when = deadline_us(100);
		atomic_store(go, i + 1);
		int length = timed_receive(queue, &when);
		CHECK(length > 0 || errno == ETIMEDOUT);
		if (length < 0)
			CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), sizeof i);
		CHECK(memcmp(got, &i, sizeof i) == 0);
		CHECK_EQ(queue_count(queue), 0);
	}
	check_child(child);
}
