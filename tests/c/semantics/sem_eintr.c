/* A timer runs out around a second after the call has begun. Whenever that is, the wait for a
 * semaphore ends, and SA_RESTART lets it go on where it does so on plain glibc. */
#include "../support/interrupted.h"

static void ends(const char *kind)
{
	interrupt_around(wait_kind_of(kind), 1, STEPS, 0);
}

static void with_restart(const char *kind)
{
	interrupt_around(wait_kind_of(kind), 1, STEPS, SA_RESTART);
}

CASE(sem_wait_ends_with_a_signal_around_a_second)
{
	ends("sem_wait");
}

CASE(sem_wait_goes_on_after_a_signal_with_sa_restart_around_a_second)
{
	with_restart("sem_wait");
}

CASE(sem_wait_of_one_process_ends_with_a_signal_around_a_second)
{
	ends("sem_wait_private");
}

CASE(sem_wait_of_one_process_goes_on_after_a_signal_with_sa_restart_around_a_second)
{
	with_restart("sem_wait_private");
}

CASE(sem_timedwait_ends_with_a_signal_around_a_second)
{
	ends("sem_timedwait");
}

CASE(sem_timedwait_ends_with_a_signal_with_sa_restart_around_a_second)
{
	with_restart("sem_timedwait");
}

CASE(sem_timedwait_of_one_process_ends_with_a_signal_around_a_second)
{
	ends("sem_timedwait_private");
}

CASE(sem_timedwait_of_one_process_ends_with_a_signal_with_sa_restart_around_a_second)
{
	with_restart("sem_timedwait_private");
}

CASE(sem_clockwait_ends_with_a_signal_around_a_second)
{
	ends("sem_clockwait");
}

CASE(sem_clockwait_ends_with_a_signal_with_sa_restart_around_a_second)
{
	with_restart("sem_clockwait");
}

CASE(sem_clockwait_of_one_process_ends_with_a_signal_around_a_second)
{
	ends("sem_clockwait_private");
}

CASE(sem_clockwait_of_one_process_ends_with_a_signal_with_sa_restart_around_a_second)
{
	with_restart("sem_clockwait_private");
}
