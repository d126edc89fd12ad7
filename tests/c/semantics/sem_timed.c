/* Timed waits: what is a time, which clock counts, and that a post beats the deadline. */
#include "../support/sem.h"

static sem_t *fresh(unsigned value)
{
	static sem_t sem;
	CHECK_OK(sem_init(&sem, 0, value));
	return &sem;
}

static int before(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static struct timespec now(clockid_t clock)
{
	return from_now(clock, 0);
}

CASE(sem_timedwait_bad_nanoseconds_are_einval_even_with_a_positive_value)
{
	static const long bad[] = { -1, 1000000000, LONG_MAX, LONG_MIN };
	for (int i = 0; i < 8; i++) {
		sem_t *sem = fresh(i & 1);
		struct timespec when = now(CLOCK_REALTIME);
		when.tv_nsec = bad[i / 2];
		CHECK_FAILS(sem_timedwait(sem, &when), EINVAL);
		CHECK_EQ(value_of(sem), i & 1);
		CHECK_EQ(waiters_of(sem), 0);
	}
}

CASE(sem_timedwait_takes_the_last_valid_nanosecond)
{
	sem_t *sem = fresh(2);
	struct timespec when = { 0, 999999999 };
	CHECK_OK(sem_timedwait(sem, &when));
	when.tv_nsec = 0;
	CHECK_OK(sem_timedwait(sem, &when));
	CHECK_FAILS(sem_timedwait(sem, &when), ETIMEDOUT);
}

CASE(sem_timedwait_post_beats_a_deadline_long_past)
{
	sem_t *sem = fresh(2);
	struct timespec past = { 1, 0 }, negative = { -1, 0 };
	CHECK_OK(sem_timedwait(sem, &past));
	CHECK_OK(sem_timedwait(sem, &negative));
	CHECK_EQ(value_of(sem), 0);
}

CASE(sem_timedwait_negative_seconds_are_etimedout)
{
	sem_t *sem = fresh(0);
	struct timespec negative = { -1, 0 };
	CHECK_FAILS(sem_timedwait(sem, &negative), ETIMEDOUT);
	negative.tv_sec = LONG_MIN;
	CHECK_FAILS(sem_timedwait(sem, &negative), ETIMEDOUT);
	negative.tv_nsec = -1;
	CHECK_FAILS(sem_timedwait(sem, &negative), EINVAL);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_timedwait_past_deadline_is_etimedout)
{
	sem_t *sem = fresh(0);
	struct timespec past = now(CLOCK_REALTIME);
	past.tv_sec -= 10;
	CHECK_FAILS(sem_timedwait(sem, &past), ETIMEDOUT);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_timedwait_does_not_give_up_early)
{
	sem_t *sem = fresh(0);
	for (int milliseconds = 1; milliseconds < 60; milliseconds += 7) {
		struct timespec when = from_now(CLOCK_REALTIME, milliseconds);
		CHECK_FAILS(sem_timedwait(sem, &when), ETIMEDOUT);
		CHECK(!before(now(CLOCK_REALTIME), when));
		CHECK_EQ(waiters_of(sem), 0);
		CHECK_EQ(value_of(sem), 0);
	}
}

static int until_the_end_of_time(sem_t *sem)
{
	return sem_timedwait(sem, &(struct timespec){ LONG_MAX, 999999999 });
}

CASE(sem_timedwait_far_in_the_future_waits_for_a_post)
{
	sem_t *sem = fresh(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, until_the_end_of_time);
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
}

CASE(sem_timedwait_is_woken_by_a_post)
{
	sem_t *sem = fresh(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_timedwait);
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(value_of(sem), 0);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_clockwait_is_woken_by_a_post)
{
	sem_t *sem = fresh(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_clockwait);
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_clockwait_does_not_give_up_early)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
	sem_t *sem = fresh(0);
	for (int i = 0; i < 10; i++) {
		struct timespec when = from_now(clocks[i & 1], 1 + 5 * i);
		CHECK_FAILS(sem_clockwait(sem, clocks[i & 1], &when), ETIMEDOUT);
		CHECK(!before(now(clocks[i & 1]), when));
		CHECK_EQ(waiters_of(sem), 0);
	}
}

CASE(sem_clockwait_counts_by_the_clock_it_is_given)
{
	/* Half a century of CLOCK_REALTIME is far in the future for CLOCK_MONOTONIC, and the other
	 * way round. */
	sem_t *sem = fresh(0);
	struct timespec soon = from_now(CLOCK_MONOTONIC, 1000);
	CHECK_FAILS(sem_clockwait(sem, CLOCK_REALTIME, &soon), ETIMEDOUT);
	CHECK(before(now(CLOCK_MONOTONIC), soon));
}

CASE(sem_clockwait_of_another_clock_is_einval_even_with_a_positive_value)
{
	static const clockid_t clocks[] = {
		CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID,
		CLOCK_BOOTTIME,
		CLOCK_MONOTONIC_RAW,
		CLOCK_MONOTONIC_COARSE,
		CLOCK_REALTIME_COARSE,
		CLOCK_TAI,
		-1,
		1000,
	};
	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 9; i++) {
			sem_t *sem = fresh(value);
			struct timespec past = { 0, 0 };
			CHECK_FAILS(sem_clockwait(sem, clocks[i], &past), EINVAL);
			CHECK_EQ(value_of(sem), value);
		}
}

CASE(sem_clockwait_bad_nanoseconds_are_einval_even_with_a_positive_value)
{
	sem_t *sem = fresh(1);
	struct timespec bad = { 0, 1000000000 };
	CHECK_FAILS(sem_clockwait(sem, CLOCK_MONOTONIC, &bad), EINVAL);
	CHECK_FAILS(sem_clockwait(sem, CLOCK_REALTIME, &bad), EINVAL);
	bad.tv_nsec = -1;
	CHECK_FAILS(sem_clockwait(sem, CLOCK_MONOTONIC, &bad), EINVAL);
	CHECK_EQ(value_of(sem), 1);
}

CASE(sem_clockwait_post_beats_the_deadline)
{
	sem_t *sem = fresh(2);
	struct timespec past = { 0, 0 }, negative = { -1, 0 };
	CHECK_OK(sem_clockwait(sem, CLOCK_MONOTONIC, &past));
	CHECK_OK(sem_clockwait(sem, CLOCK_REALTIME, &negative));
	CHECK_FAILS(sem_clockwait(sem, CLOCK_MONOTONIC, &past), ETIMEDOUT);
	CHECK_FAILS(sem_clockwait(sem, CLOCK_MONOTONIC, &negative), ETIMEDOUT);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_timed_out_waiter_leaves_the_others)
{
	sem_t *sem = fresh(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	struct timespec soon = from_now(CLOCK_REALTIME, 5);
	CHECK_FAILS(sem_timedwait(sem, &soon), ETIMEDOUT);
	CHECK_EQ(waiters_of(sem), 1);
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
}

/* Posts and timeouts that meet: each post is taken once, by a waiter or by the end. */
static sem_t *raced;
static int taken[2];

static void *waits_shortly(void *count)
{
	for (int i = 0; i < 3000; i++) {
		struct timespec soon = now(CLOCK_REALTIME);
		soon.tv_nsec += i % 64 * 1000;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_nsec -= 1000000000;
			soon.tv_sec++;
		}
		if (sem_timedwait(raced, &soon) == 0)
			++*(int *)count;
		else
			CHECK_EQ(errno, ETIMEDOUT);
	}
	return NULL;
}

CASE(sem_timeouts_and_posts_that_meet_lose_no_post)
{
	raced = fresh(0);
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, waits_shortly, &taken[i]), 0);
	for (int i = 0; i < 2000; i++) {
		CHECK_OK(sem_post(raced));
		nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
	}
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(taken[0] + taken[1] + value_of(raced), 2000);
	CHECK_EQ(waiters_of(raced), 0);
}
