/* Which waiter is served when: hand-over by the process that changes the value, in the order of
 * arrival. */
#include "../support/sysv_sleepers.h"

CASE(semop_hands_over_at_once)
{
	int set = new_set(1);
	struct sleeper *taker = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	/* It has the value, whether it has run or not. */
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 0), 0);
	CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }), EAGAIN);
	CHECK_EQ(last_pid_of(set, 0), taker->pid);
	CHECK_EQ(end_of(taker), 0);
}

CASE(semop_no_other_overtakes_a_sleeper_that_fits)
{
	int set = new_set(1);
	for (int i = 0; i < 200; i++) {
		struct sleeper *taker = SLEEPS(set, { 0, -1, 0 });
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		CHECK_FAILS(SEMOP(set, { 0, -1, IPC_NOWAIT }), EAGAIN);
		CHECK_EQ(end_of(taker), 0);
	}
}

CASE(semop_serves_in_the_order_of_arrival)
{
	enum { COUNT = 6 };
	struct sleeper *sleepers[COUNT];
	int set = new_set(1);
	for (int i = 0; i < COUNT; i++)
		sleepers[i] = i % 2 ? PROCESS_SLEEPS(set, { 0, -1, 0 }) : SLEEPS(set, { 0, -1, 0 });
	for (int i = 0; i < COUNT; i++) {
		CHECK_EQ(takers_of(set, 0), COUNT - i);
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		CHECK_EQ(end_of(sleepers[i]), 0);
		for (int j = i + 1; j < COUNT; j++)
			CHECK(!is_done(sleepers[j]));
	}
}

/* The last one may be noted where one that has left was noted before the others. */
CASE(semop_serves_in_the_order_of_arrival_after_another_has_left)
{
	int set = new_set(2);
	struct sleeper *leaves = PROCESS_SLEEPS(set, { 1, -1, 0 }),
		       *first = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 1, 1, 0 }));
	CHECK_EQ(end_of(leaves), 0);
	struct sleeper *second = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(first), 0);
	CHECK(!is_done(second));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(second), 0);
}

CASE(semop_serves_sleepers_that_fit_and_passes_over_the_others)
{
	int set = new_set(1);
	struct sleeper *large = SLEEPS(set, { 0, -3, 0 }), *small = SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(small), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK(!is_done(large));
	CHECK_OK(SEMOP(set, { 0, 3, 0 }));
	CHECK_EQ(end_of(large), 0);
}

CASE(semop_serves_the_first_sleeper_that_fits)
{
	int set = new_set(1);
	struct sleeper *large = SLEEPS(set, { 0, -2, 0 }), *small = SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 2, 0 }));
	CHECK_EQ(end_of(large), 0);
	CHECK(!is_done(small));
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(small), 0);
}

CASE(semop_later_call_takes_what_a_sleeper_cannot_use)
{
	int set = new_set(1);
	struct sleeper *large = SLEEPS(set, { 0, -3, 0 });
	CHECK_OK(SEMOP(set, { 0, 2, 0 }));
	CHECK_OK(SEMOP(set, { 0, -1, IPC_NOWAIT }));
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(value_of(set, 0), 0);
	CHECK(!is_done(large));
	CHECK_OK(SEMOP(set, { 0, 3, 0 }));
	CHECK_EQ(end_of(large), 0);
}

CASE(semop_a_served_sleeper_serves_the_next)
{
	int set = new_set(3);
	struct sleeper *third = SLEEPS(set, { 2, -1, 0 }),
		       *second = SLEEPS(set, { 1, -1, 0 }, { 2, 1, 0 }),
		       *first = SLEEPS(set, { 0, -1, 0 }, { 1, 1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_VALUES(set, 0, 0, 0);
	CHECK_EQ(asleep_in(set), 0);
	CHECK_EQ(end_of(first), 0);
	CHECK_EQ(end_of(second), 0);
	CHECK_EQ(end_of(third), 0);
}

CASE(semop_a_served_sleeper_serves_one_that_came_before_it)
{
	int set = new_set(1);
	struct sleeper *early = SLEEPS(set, { 0, -5, 0 }),
		       *late = SLEEPS(set, { 0, -1, 0 }, { 0, 5, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(late), 0);
	CHECK_EQ(end_of(early), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_of_two_waiters_for_the_lock_the_first_gets_it)
{
	int set = new_set_of_value(1);
	struct sleeper *first = SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 }),
		       *second = SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 });
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(end_of(first), 0);
	CHECK(!is_done(second));
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_EQ(zero_waiters_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(end_of(second), 0);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_array_and_simple_sleepers_form_one_queue)
{
	int set = new_set(2);
	struct sleeper *simple = SLEEPS(set, { 0, -1, 0 }),
		       *array = SLEEPS(set, { 0, -1, 0 }, { 1, 0, 0 }),
		       *later = SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(simple), 0);
	CHECK(!is_done(array) && !is_done(later));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(array), 0);
	CHECK(!is_done(later));
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(later), 0);
}

CASE(semop_array_that_slept_first_is_served_first)
{
	int set = new_set(2);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, 1, 0 }),
		       *simple = SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(array), 0);
	CHECK(!is_done(simple));
	CHECK_VALUES(set, 0, 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(simple), 0);
}

CASE(semop_sleeper_whose_next_obstacle_must_not_block_ends_with_eagain)
{
	int set = new_set(2);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, -1, IPC_NOWAIT });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(array), EAGAIN);
	CHECK_VALUES(set, 1, 0);
	CHECK_EQ(asleep_in(set), 0);
}

CASE(semop_sleeper_that_would_overflow_ends_with_erange)
{
	int set = new_set(2);
	set_value(set, 1, SEMVMX);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, 1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(array), ERANGE);
	CHECK_VALUES(set, 1, SEMVMX);
	CHECK_EQ(asleep_in(set), 0);
}

CASE(semop_sleeper_that_fails_leaves_the_value_to_the_next)
{
	int set = new_set(2);
	struct sleeper *fails = SLEEPS(set, { 0, -1, 0 }, { 1, -1, IPC_NOWAIT }),
		       *next = SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(fails), EAGAIN);
	CHECK_EQ(end_of(next), 0);
	CHECK_VALUES(set, 0, 0);
}

CASE(semop_sleeper_goes_on_sleeping_at_its_next_obstacle)
{
	int set = new_set(3);
	struct sleeper *array = SLEEPS(set, { 0, -1, 0 }, { 1, -1, 0 }, { 2, -1, 0 });
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 3; j++)
			CHECK_EQ(takers_of(set, j), i == j);
		CHECK(!is_done(array));
		CHECK_OK(SEMOP(set, { (unsigned short)i, 1, 0 }));
	}
	CHECK_EQ(end_of(array), 0);
	CHECK_VALUES(set, 0, 0, 0);
}

/* More than one look at the queue notes. */
CASE(semop_array_behind_a_hundred_others_is_served)
{
	enum { MANY = 100 };
	int set = new_set(3);
	for (int i = 0; i < MANY; i++)
		SLEEPS(set, { 0, -2, 0 }, { 1, -1, 0 });
	struct sleeper *first = SLEEPS(set, { 0, -1, 0 }, { 2, 1, 0 }),
		       *second = SLEEPS(set, { 0, -1, 0 }, { 2, 1, 0 });
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(first), 0);
	CHECK(!is_done(second));
	CHECK_EQ(takers_of(set, 0), MANY + 1);
	CHECK_VALUES(set, 0, 0, 1);
}

CASE(semop_array_ends_though_its_obstacle_has_not_changed)
{
	int set = new_set(2);
	struct sleeper *array = SLEEPS(set, { 0, 1, 0 }, { 1, -1, 0 });
	CHECK_EQ(takers_of(set, 1), 1);
	CHECK_OK(SEMOP(set, { 0, SEMVMX, 0 }));
	CHECK_EQ(end_of(array), ERANGE);
	CHECK_EQ(asleep_in(set), 0);
}

CASE(semop_setall_serves_in_the_order_of_arrival)
{
	int set = new_set(1);
	unsigned short values[] = { 3 };
	struct sleeper *first = SLEEPS(set, { 0, -2, 0 }), *second = SLEEPS(set, { 0, -2, 0 }),
		       *third = SLEEPS(set, { 0, -1, 0 });
	CHECK_OK(semctl(set, 0, SETALL, (union semun){ .array = values }));
	CHECK_EQ(end_of(first), 0);
	CHECK_EQ(end_of(third), 0);
	CHECK(!is_done(second));
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(takers_of(set, 0), 1);
}

CASE(semop_a_barrier_lets_all_go_together)
{
	enum { COUNT = 5 };
	struct sleeper *sleepers[COUNT];
	int set = new_set_of_value(COUNT + 1);
	for (int i = 0; i < COUNT; i++) {
		CHECK_OK(SEMOP(set, { 0, -1, 0 }));
		sleepers[i] = PROCESS_SLEEPS(set, { 0, 0, 0 });
	}
	CHECK_EQ(zero_waiters_of(set, 0), COUNT);
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(zero_waiters_of(set, 0), 0);
	/* The next round begins before any sleeper has run. */
	CHECK_OK(SEMOP(set, { 0, COUNT, 0 }));
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(end_of(sleepers[i]), 0);
}
