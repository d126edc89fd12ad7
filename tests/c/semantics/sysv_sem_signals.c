/* Signals: a handler always ends a sleep in semop, whatever its flags are. */
#include <sched.h>
#include <sys/time.h>
#include "../support/sysv_holders.h"
#include "../support/sysv_strike.h"

CASE(semop_taker_is_interrupted_by_a_handler)
{
	int set = new_set(1);
	handle(SIGUSR1, counts, 0);
	is_interrupted(set, SLEEPS(set, { 0, -1, 0 }));
	is_interrupted(set, PROCESS_SLEEPS(set, { 0, -1, 0 }));
	CHECK_EQ(handled, 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_zero_waiter_is_interrupted_by_a_handler)
{
	int set = new_set_of_value(1);
	handle(SIGUSR1, counts, 0);
	is_interrupted(set, SLEEPS(set, { 0, 0, 0 }));
	is_interrupted(set, PROCESS_SLEEPS(set, { 0, 0, 0 }, { 0, 1, 0 }));
	CHECK_OK(SEMOP(set, { 0, -1, 0 }));
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_array_is_interrupted_by_a_handler_and_changes_nothing)
{
	int set = new_set(2);
	handle(SIGUSR1, counts, 0);
	is_interrupted(set, SLEEPS(set, { 0, 3, 0 }, { 1, -1, 0 }));
	is_interrupted(set, PROCESS_SLEEPS(set, { 0, 3, SEM_UNDO }, { 1, -1, SEM_UNDO }));
	CHECK_VALUES(set, 0, 0);
}

CASE(semop_is_not_restarted_with_sa_restart)
{
	int set = new_set(1);
	handle(SIGUSR1, counts, SA_RESTART);
	is_interrupted(set, SLEEPS(set, { 0, -1, 0 }));
	is_interrupted(set, PROCESS_SLEEPS(set, { 0, -1, 0 }));
}

CASE(semop_wait_for_zero_is_not_restarted_with_sa_restart)
{
	int set = new_set_of_value(1);
	handle(SIGUSR1, counts, SA_RESTART);
	is_interrupted(set, SLEEPS(set, { 0, 0, 0 }));
	is_interrupted(set, PROCESS_SLEEPS(set, { 0, 0, 0 }));
}

CASE(semtimedop_is_interrupted_whatever_the_flags)
{
	static const struct timespec long_time = { 100, 0 };
	int set = new_set(1);
	for (int i = 0; i < 2; i++) {
		handle(SIGUSR1, counts, handler_flags[i]);
		is_interrupted(set, sleep_for(set, OPS({ 0, -1, 0 }), &long_time));
		is_interrupted(set, sleep_for(set, OPS({ 0, -1, 0 }), NULL));
	}
}

CASE(semop_is_interrupted_by_a_timer)
{
	struct itimerval timer = { .it_value = { 0, 20000 } };
	int set = new_set(1);
	for (int i = 0; i < 2; i++) {
		handle(SIGALRM, counts, handler_flags[i]);
		CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
		CHECK_FAILS(SEMOP(set, { 0, -1, 0 }), EINTR);
		CHECK_EQ(handled, i + 1);
	}
	CHECK_EQ(takers_of(set, 0), 0);
}

/* After the signal has come and gone, the sleeper is served as if nothing had been. */
static void sleeps_on(int set, struct sleeper *sleeper)
{
	strike(sleeper);
	CHECK_SOON(is_in_the_kernel(sleeper));
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_sleeps_on_over_a_signal_that_is_ignored)
{
	int set = new_set(1);
	handle(SIGUSR1, SIG_IGN, 0);
	sleeps_on(set, SLEEPS(set, { 0, -1, 0 }));
	sleeps_on(set, PROCESS_SLEEPS(set, { 0, -1, 0 }));
}

CASE(semop_sleeps_on_over_a_signal_that_is_blocked)
{
	int set = new_set(1);
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	handle(SIGUSR1, counts, 0);
	CHECK_OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
	sleeps_on(set, SLEEPS(set, { 0, -1, 0 }));
	sleeps_on(set, PROCESS_SLEEPS(set, { 0, -1, 0 }));
	CHECK_EQ(handled, 0);
}

CASE(semop_sleeps_on_when_a_child_ends)
{
	int set = new_set(1);
	struct sleeper *sleeper = SLEEPS(set, { 0, -1, 0 });
	pid_t pid = check_fork();
	if (pid == 0)
		_exit(0);
	check_child(pid);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
}

CASE(semop_sleeps_on_when_another_thread_handles_the_signal)
{
	int set = new_set(1);
	handle(SIGUSR1, counts, 0);
	struct sleeper *sleeper = SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
	CHECK_EQ(handled, 1);
	CHECK_EQ(takers_of(set, 0), 1);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	CHECK_EQ(end_of(sleeper), 0);
}

enum { TURNS = 500 };

/* One taker that tries again when it is interrupted, in a rain of signals. */
CASE(semop_interrupted_again_and_again_loses_nothing)
{
	int set = new_set(2);
	handle(SIGUSR1, counts, SA_RESTART);
	pid_t taker = check_fork();
	if (taker == 0) {
		for (int i = 0; i < TURNS; i++) {
			while (SEMOP(set, { 0, -1, 0 }) == -1)
				CHECK_EQ(errno, EINTR);
			CHECK_OK(SEMOP(set, { 1, 1, 0 }));
		}
		_exit(0);
	}
	for (int i = 0; i < TURNS; i++) {
		CHECK_OK(kill(taker, SIGUSR1));
		CHECK_OK(SEMOP(set, { 0, 1, 0 }));
		CHECK_OK(kill(taker, SIGUSR1));
		CHECK_OK(SEMOP(set, { 1, -1, 0 }));
	}
	check_child(taker);
	CHECK_VALUES(set, 0, 0);
	CHECK_EQ(asleep_in(set), 0);
}

/* Once a thread counts as a waiter a handler ends its wait, also on its way to sleep. */
CASE(semop_a_handler_ends_the_wait_of_one_that_has_just_begun_to_wait)
{
	enum { TIMES = 40 };
	int set = new_set(2);
	struct holder *holder = HOLDER(set, { 1, 1, SEM_UNDO });
	handle(SIGUSR1, counts, 0);
	for (int i = 0; i < TIMES; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			CHECK_FAILS(SEMOP(set, { 0, -1, 0 }), EINTR);
			_exit(0);
		}
		/* Without a pause: it is to be on its way to sleep. The case bounds this. */
		while (takers_of(set, 0) != 1)
			sched_yield();
		CHECK_OK(kill(pid, SIGUSR1));
		check_child(pid);
		CHECK_EQ(takers_of(set, 0), 0);
	}
	end_holder(holder, KILLED);
}
