/* A signal that comes as a wait for a semaphore begins ends it like one that comes later. */
#include "../support/sem.h"
#include "../support/early.h"

static sem_t *sem;

static int waits(void)
{
	return sem_wait(sem);
}

static int waits_in_time(void)
{
	struct timespec until = from_now(CLOCK_REALTIME, 300000);
	return sem_timedwait(sem, &until);
}

static int waits_by_clock(void)
{
	struct timespec until = from_now(CLOCK_MONOTONIC, 300000);
	return sem_clockwait(sem, CLOCK_MONOTONIC, &until);
}

static void posts(void)
{
	CHECK_OK(sem_post(sem));
}

static void strike_waits(int (*wait)(void), int restarts, int flags)
{
	sem = shared_sem(0);
	strike_early(&(struct early){ wait, posts, restarts }, flags);
}

CASE(sem_wait_ends_with_a_signal_as_it_begins)
{
	strike_waits(waits, SA_RESTART, 0);
}

CASE(sem_wait_goes_on_after_a_signal_with_sa_restart_as_it_begins)
{
	strike_waits(waits, SA_RESTART, SA_RESTART);
}

CASE(sem_timedwait_ends_with_a_signal_as_it_begins)
{
	strike_waits(waits_in_time, 0, SA_RESTART);
}

CASE(sem_clockwait_ends_with_a_signal_as_it_begins)
{
	strike_waits(waits_by_clock, 0, 0);
}
