/* Waiters for zero are served by a zero that lasts for an instant, before all others. */
#include "../support/sysv_sleepers.h"

CASE(semop_zero_waiters_see_a_zero_between_two_steps)
{
	int set = new_set_of_value(1);
	struct sleeper *zero = SLEEPS(set, { 0, 0, 0 }),
		       *adds = SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 });
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(end_of(zero), 0);
	CHECK_EQ(end_of(adds), 0);
}

CASE(semop_zero_waiters_come_before_one_that_ends_the_zero)
{
	int set = new_set_of_value(1);
	struct sleeper *adds = SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 }),
		       *zero = SLEEPS(set, { 0, 0, 0 });
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(end_of(zero), 0);
	CHECK_EQ(end_of(adds), 0);
}

CASE(semop_zero_waiters_are_served_by_the_zero_that_a_taker_makes)
{
	int set = new_set(1);
	struct sleeper *taker = SLEEPS(set, { 0, -2, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	struct sleeper *zero = SLEEPS(set, { 0, 0, 0 });
	/* 1 + 1 - 2. */
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(taker), 0);
	CHECK_EQ(end_of(zero), 0);
	CHECK_EQ(asleep_in(set), 0);
}

CASE(semop_zero_waiters_are_served_by_the_zero_that_a_taker_makes_of_another_member)
{
	int set = new_set(2);
	set_value(set, 1, 1);
	struct sleeper *taker = SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 }),
		       *zero = SLEEPS(set, { 1, 0, 0 });
	/* The member that this call changes is not 0 afterwards. */
	CHECK_OK(SEMOP(set, { 0, 2, 0 }));
	CHECK_EQ(asleep_in(set), 0);
	CHECK_EQ(end_of(taker), 0);
	CHECK_EQ(end_of(zero), 0);
}

CASE(semop_zero_waiters_see_a_zero_between_two_sleepers)
{
	int set = new_set_of_value(1);
	struct sleeper *taker = SLEEPS(set, { 0, -2, 0 }),
		       *adds = SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 }),
		       *zero = SLEEPS(set, { 0, 0, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	/* 1 + 1 - 2 + 1. */
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(asleep_in(set), 0);
	CHECK_EQ(end_of(taker), 0);
	CHECK_EQ(end_of(adds), 0);
	CHECK_EQ(end_of(zero), 0);
}

CASE(semop_zero_that_an_array_passes_through_is_not_seen_by_others)
{
	int set = new_set_of_value(1);
	struct sleeper *zero = SLEEPS(set, { 0, 0, 0 });
	CHECK_OK(SEMOP(set, { 0, -1, 0 }, { 0, 1, 0 }));
	CHECK_EQ(zero_waiters_of(set, 0), 1);
	CHECK(!is_done(zero));
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(end_of(zero), 0);
}
