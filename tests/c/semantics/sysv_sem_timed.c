/* semtimedop: the time is a span, it ends a sleep with EAGAIN, and is the caller's own. */
#include "../support/sysv_sleepers.h"

static const struct timespec long_time = { 100, 0 };

static long long milliseconds_since(const struct timespec *start)
{
	struct timespec now;
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &now));
	return (now.tv_sec - start->tv_sec) * 1000LL + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static struct timespec start(void)
{
	struct timespec now;
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &now));
	return now;
}

CASE(semtimedop_does_not_need_its_time_when_it_can_proceed)
{
	struct timespec none = { 0, 0 };
	int set = new_set(1);
	CHECK_OK(SEMTIMEDOP(set, &long_time, { 0, 2, 0 }));
	CHECK_OK(SEMTIMEDOP(set, &none, { 0, -1, 0 }));
	CHECK_OK(SEMTIMEDOP(set, NULL, { 0, -1, 0 }));
	CHECK_OK(SEMTIMEDOP(set, &none, { 0, 0, 0 }));
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semtimedop_ends_with_eagain)
{
	struct timespec soon = { .tv_nsec = 20000000 };
	int set = new_set(1);
	CHECK_FAILS(SEMTIMEDOP(set, &soon, { 0, -1, 0 }), EAGAIN);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_EQ(status_of(set).sem_otime, 0);
	CHECK_EQ(last_pid_of(set, 0), 0);
}

CASE(semtimedop_wait_for_zero_ends_with_eagain)
{
	struct timespec soon = { .tv_nsec = 20000000 };
	int set = new_set_of_value(1);
	CHECK_FAILS(SEMTIMEDOP(set, &soon, { 0, 0, 0 }), EAGAIN);
	CHECK_EQ(zero_waiters_of(set, 0), 0);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semtimedop_array_ends_with_eagain_and_changes_nothing)
{
	struct timespec soon = { .tv_nsec = 20000000 };
	int set = new_set(2);
	CHECK_FAILS(SEMTIMEDOP(set, &soon, { 0, 4, 0 }, { 1, -1, 0 }), EAGAIN);
	CHECK_VALUES(set, 0, 0);
}

CASE(semtimedop_does_not_give_up_early)
{
	int set = new_set(1);
	for (int ms = 1; ms < 60; ms += 7) {
		struct timespec time = { .tv_nsec = ms * 1000000L }, began = start();
		CHECK_FAILS(SEMTIMEDOP(set, &time, { 0, -1, 0 }), EAGAIN);
		CHECK(milliseconds_since(&began) >= ms);
	}
}

CASE(semtimedop_of_no_time_does_not_sleep)
{
	struct timespec none = { 0, 0 };
	int set = new_set(1);
	CHECK_FAILS(SEMTIMEDOP(set, &none, { 0, -1, 0 }), EAGAIN);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_FAILS(SEMTIMEDOP(set, &none, { 0, 0, 0 }), EAGAIN);
}

CASE(semtimedop_takes_the_last_valid_nanosecond)
{
	struct timespec time = { 0, 999999999 };
	CHECK_OK(SEMTIMEDOP(new_set(1), &time, { 0, 1, 0 }));
}

CASE(semtimedop_without_a_time_sleeps_like_semop)
{
	int set = new_set(1);
	struct sleeper *sleeper = sleep_for(set, OPS({ 0, -1, 0 }), NULL);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
}

CASE(semtimedop_sleeper_is_served)
{
	int set = new_set(1);
	struct sleeper *sleeper = sleep_for(set, OPS({ 0, -1, 0 }), &long_time);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_EQ(end_of(sleeper), 0);
}

CASE(semtimedop_very_long_time_does_not_overflow)
{
	struct timespec times[] = { { LONG_MAX, 999999999 }, { LONG_MAX / 2, 0 }, { 1L << 40, 0 } };
	int set = new_set(1);
	for (int i = 0; i < 3; i++) {
		struct sleeper *sleeper = sleep_for(set, OPS({ 0, -1, 0 }), &times[i]);
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		CHECK_EQ(end_of(sleeper), 0);
	}
}

CASE(semtimedop_nowait_beats_the_time)
{
	CHECK_FAILS(SEMTIMEDOP(new_set(1), &long_time, { 0, -1, IPC_NOWAIT }), EAGAIN);
}

CASE(semtimedop_time_is_not_written_to)
{
	struct timespec time = { .tv_nsec = 20000000 };
	int set = new_set(1);
	CHECK_FAILS(SEMTIMEDOP(set, &time, { 0, -1, 0 }), EAGAIN);
	CHECK_EQ(time.tv_sec, 0);
	CHECK_EQ(time.tv_nsec, 20000000);
	time.tv_sec = 50;
	struct sleeper *sleeper = sleep_for(set, OPS({ 0, -1, 0 }), &time);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(time.tv_sec, 50);
	CHECK_EQ(time.tv_nsec, 20000000);
}

CASE(semtimedop_time_that_cannot_be_written_is_good)
{
	static const struct timespec soon = { .tv_nsec = 5000000 };
	CHECK_FAILS(SEMTIMEDOP(new_set(1), &soon, { 0, -1, 0 }), EAGAIN);
}

CASE(semtimedop_that_gave_up_leaves_its_turn_to_the_next)
{
	/* Long enough for both to be seen asleep, on a machine that is busy with other tests. */
	struct timespec soon = { .tv_sec = 10 };
	int set = new_set(1);
	struct sleeper *first = sleep_for(set, OPS({ 0, -1, 0 }), &soon);
	struct sleeper *second = SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(end_of(first), EAGAIN);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(second), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semtimedop_removed_set_is_eidrm)
{
	int set = new_set(1);
	struct sleeper *sleeper = sleep_for(set, OPS({ 0, -1, 0 }), &long_time);
	remove_set(set);
	CHECK_EQ(end_of(sleeper), EIDRM);
}

enum { TAKERS = 4, TURNS = 300 };

/* Whatever is in time or too late: each value that was added is taken once, or is still there. */
CASE(semtimedop_giving_up_and_being_served_at_once_loses_nothing)
{
	int set = new_set(1), *taken = common_memory(sizeof *taken);
	pid_t takers[TAKERS];
	for (int i = 0; i < TAKERS; i++) {
		takers[i] = check_fork();
		if (takers[i] == 0) {
			for (int turn = 0; turn < TURNS; turn++) {
				struct timespec time = { .tv_nsec = (turn % 7 + 1) * 50000L };
				int result = SEMTIMEDOP(set, &time, { 0, -1, 0 });
				CHECK(result == 0 || errno == EAGAIN);
				if (result == 0)
					__atomic_fetch_add(taken, 1, __ATOMIC_SEQ_CST);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < TURNS; i++) {
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	}
	for (int i = 0; i < TAKERS; i++)
		check_child(takers[i]);
	CHECK_EQ(value_of(set, 0) + *taken, TURNS);
	CHECK_EQ(takers_of(set, 0), 0);
}
