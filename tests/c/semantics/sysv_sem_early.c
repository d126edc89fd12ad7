/* A signal that comes as a semop begins that must wait ends it like one that comes later. */
#include "../support/sysv_sem.h"
#include "../support/early.h"

static int set;

static int waits(void)
{
	return SEMOP(set, { 0, -1, 0 });
}

static int waits_for_two(void)
{
	return SEMOP(set, { 1, 0, 0 }, { 0, -1, 0 });
}

static int waits_in_time(void)
{
	return SEMTIMEDOP(set, &(struct timespec){ .tv_sec = 300 }, { 0, -1, 0 });
}

static void gives(void)
{
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
}

static void strike_waits(int (*wait)(void), int flags)
{
	set = new_set(2);
	strike_early(&(struct early){ wait, gives, 0 }, flags);
}

CASE(semop_ends_with_a_signal_as_it_begins)
{
	strike_waits(waits, 0);
}

CASE(semop_of_two_ends_with_a_signal_as_it_begins)
{
	strike_waits(waits_for_two, SA_RESTART);
}

CASE(semtimedop_ends_with_a_signal_as_it_begins)
{
	strike_waits(waits_in_time, SA_RESTART);
}
