/* Sleeping in semop: which process is counted where, and what ends the sleep. */
#include "../support/sysv_sleepers.h"

CASE(semop_taker_sleeps_until_it_can_take)
{
	int set = new_set(1);
	struct sleeper *taker = SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(taker), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_taker_in_another_process_sleeps_until_it_can_take)
{
	int set = new_set(1);
	struct sleeper *taker = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(taker), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_taker_sleeps_until_there_is_enough)
{
	int set = new_set(1);
	struct sleeper *taker = SLEEPS(set, { 0, -3, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(value_of(set, 0), 2);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK(!is_done(taker));
	CHECK_OK(SEMOP(set, { 0, 2, 0 }));
	CHECK_EQ(end_of(taker), 0);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_zero_waiter_sleeps_until_zero)
{
	int set = new_set_of_value(2);
	struct sleeper *waiter = SLEEPS(set, { 0, 0, 0 });
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(zero_waiters_of(set, 0), 1);
	CHECK(!is_done(waiter));
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(end_of(waiter), 0);
	CHECK_EQ(zero_waiters_of(set, 0), 0);
}

CASE(semop_setval_wakes_takers)
{
	int set = new_set(1);
	struct sleeper *one = SLEEPS(set, { 0, -1, 0 }), *other = SLEEPS(set, { 0, -2, 0 });
	set_value(set, 0, 4);
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(end_of(one), 0);
	CHECK_EQ(end_of(other), 0);
}

CASE(semop_setval_of_0_wakes_zero_waiters)
{
	int set = new_set_of_value(9);
	struct sleeper *waiter = SLEEPS(set, { 0, 0, 0 });
	set_value(set, 0, 0);
	CHECK_EQ(end_of(waiter), 0);
}

CASE(semop_setall_wakes_all_that_can_go_on)
{
	int set = new_set(3);
	set_value(set, 2, 1);
	struct sleeper *taker = SLEEPS(set, { 0, -1, 0 }),
		       *both = SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 }),
		       *zero = SLEEPS(set, { 2, 0, 0 }), *stays = SLEEPS(set, { 1, -5, 0 });
	unsigned short values[] = { 2, 1, 0 };
	CHECK_OK(semctl(set, 0, SETALL, (union semun){ .array = values }));
	CHECK_VALUES(set, 0, 0, 0);
	CHECK_EQ(asleep_in(set), 1);
	CHECK_EQ(end_of(taker), 0);
	CHECK_EQ(end_of(both), 0);
	CHECK_EQ(end_of(zero), 0);
	CHECK(!is_done(stays));
	CHECK_OK(SEMOP(set, { 1, 5, 0 }));
	CHECK_EQ(end_of(stays), 0);
}

CASE(semop_sleepers_are_counted_by_what_they_wait_for)
{
	int set = new_set(2);
	set_value(set, 1, 1);
	SLEEPS(set, { 0, -1, 0 });
	SLEEPS(set, { 0, -2, 0 });
	SLEEPS(set, { 1, 0, 0 });
	SLEEPS(set, { 1, 0, 0 });
	SLEEPS(set, { 1, 0, 0 });
	CHECK_EQ(takers_of(set, 0), 2);
	CHECK_EQ(zero_waiters_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 1), 0);
	CHECK_EQ(zero_waiters_of(set, 1), 3);
}

CASE(semop_processes_and_threads_are_counted_alike)
{
	int set = new_set(1);
	SLEEPS(set, { 0, -1, 0 });
	PROCESS_SLEEPS(set, { 0, -1, 0 });
	SLEEPS(set, { 0, -1, 0 });
	PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(takers_of(set, 0), 4);
	CHECK_OK(SEMOP(set, { 0, 3, 0 }));
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_sleeping_array_is_counted_at_the_first_that_cannot_proceed)
{
	int set = new_set(3);
	set_value(set, 0, 1);
	set_value(set, 2, 1);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 }, { 2, 0, 0 });
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 1), 1);
	CHECK_EQ(zero_waiters_of(set, 2), 0);
	/* The next obstacle. */
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	CHECK_EQ(takers_of(set, 1), 0);
	CHECK_EQ(zero_waiters_of(set, 2), 1);
	CHECK_VALUES(set, 1, 1, 1);
	CHECK_OK(SEMOP(set, { 2, -1, 0 }));
	CHECK_EQ(end_of(array), 0);
	CHECK_VALUES(set, 0, 0, 0);
}

CASE(semop_sleeping_array_moves_its_count_when_another_takes_a_value_away)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 });
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 1), 1);
	CHECK_OK(SEMOP(set, { 0, -1, IPC_NOWAIT }));
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_EQ(takers_of(set, 1), 0);
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	CHECK(!is_done(array));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(array), 0);
}

CASE(semop_array_that_names_a_member_twice_is_counted_once)
{
	int set = new_set(1);
	set_value(set, 0, 1);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 0, -1, 0 });
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(array), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 0), 0);
}

CASE(semop_sleeping_array_holds_nothing_meanwhile)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 });
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, -1, IPC_NOWAIT }));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	CHECK_EQ(end_of(array), 0);
	CHECK_VALUES(set, 0, 0);
}

CASE(semop_taker_of_two_members_needs_both_at_once)
{
	int set = new_set(2);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	CHECK(!is_done(array));
	CHECK_VALUES(set, 0, 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(array), 0);
	CHECK_VALUES(set, 0, 0);
}

CASE(semop_operations_are_read_once)
{
	int set = new_set(2);
	struct sleeper *sleeper = SLEEPS(set, { 0, -1, 0 });
	/* The memory is the caller's again: what was asked for stands. */
	sleeper->ops[0] = (struct sembuf){ 1, -7, 0 };
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_VALUES(set, 0, 0);
}

CASE(semop_sleepers_in_different_sets_do_not_meet)
{
	int one = new_set(1), other = new_set(1);
	struct sleeper *here = SLEEPS(one, { 0, -1, 0 }), *there = SLEEPS(other, { 0, -1, 0 });
	CHECK_OK(SEMOP(other, { 0, 1, 0 }));
	CHECK_EQ(end_of(there), 0);
	CHECK(!is_done(here));
	CHECK_EQ(takers_of(one, 0), 1);
	CHECK_OK(SEMOP(one, { 0, 1, 0 }));
	CHECK_EQ(end_of(here), 0);
}

CASE(semop_a_hundred_sleepers_are_served_by_one_call)
{
	enum { MANY = 100 };
	struct sleeper *sleepers[MANY];
	int set = new_set(1);
	for (int i = 0; i < MANY; i++)
		sleepers[i] = SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(takers_of(set, 0), MANY);
	CHECK_OK(SEMOP(set, { 0, MANY, 0 }));
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_EQ(value_of(set, 0), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(end_of(sleepers[i]), 0);
}

CASE(semop_sleeper_that_is_killed_is_not_counted_and_takes_nothing)
{
	int set = new_set(1);
	struct sleeper *killed = PROCESS_SLEEPS(set, { 0, -1, 0 });
	struct sleeper *other = PROCESS_SLEEPS(set, { 0, -1, 0 });
	kill_sleeper(killed);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(other), 0);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_zero_waiter_that_is_killed_is_not_counted)
{
	int set = new_set_of_value(1);
	struct sleeper *killed = PROCESS_SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 });
	kill_sleeper(killed);
	CHECK_EQ(zero_waiters_of(set, 0), 0);
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_sleeping_array_that_is_killed_gives_way_to_those_behind_it)
{
	int set = new_set(2);
	set_value(set, 0, 1);
	struct sleeper *killed = PROCESS_SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 });
	kill_sleeper(killed);
	CHECK_EQ(asleep_in(set), 0);
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	CHECK_VALUES(set, 1, 1);
}
