/* A handler forks in the middle of a call on a semaphore: parent and child go on with the call. */
#include "../support/fork_struck.h"
#include "../support/fork_asleep.h"
#include "../support/sem.h"

static sem_t *sem, *elsewhere;

static void rehearse(void)
{
	struct timespec late = from_now(CLOCK_REALTIME, 60000);
	CHECK_OK(sem_post(elsewhere));
	CHECK_OK(sem_wait(elsewhere));
	CHECK_OK(sem_post(elsewhere));
	CHECK_OK(sem_timedwait(elsewhere, &late));
	struck_forks();
}

static void wait_in_both(void)
{
	struck_returned_in_both(sem_wait(sem) == 0);
}

static void post_in_both(void)
{
	struck_returned_in_both(sem_post(sem) == 0);
}

static int trial(int steps, void (*call)(void), int value, int step_of_value)
{
	struck_prepare();
	step_on_one_processor();
	sem = shared_sem(value);
	elsewhere = shared_sem(0);
	pid_t victim = step_victim(rehearse, call);
	if (!strike_after(victim, steps)) {
		step_kill(victim);
		return STEP_OVER;
	}
	both_return(victim);
	/* Once, if the call of the parent was done when it forked. */
	CHECK(value_of(sem) == value + step_of_value || value_of(sem) == value + 2 * step_of_value);
	CHECK_EQ(waiters_of(sem), 0);
	return STEP_LATE;
}

static int wait_trial(int steps)
{
	return trial(steps, wait_in_both, 5, -1);
}

static int post_trial(int steps)
{
	return trial(steps, post_in_both, 5, 1);
}

CASE(sem_wait_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	strike_each_step(wait_trial);
}

CASE(sem_post_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	strike_each_step(post_trial);
}

CASE(sem_wait_is_forked_by_a_system_call_at_any_instruction)
{
	make_child = by_clone;
	strike_each_step(wait_trial);
}

CASE(sem_post_is_forked_by_a_system_call_at_any_instruction)
{
	make_child = by_clone;
	strike_each_step(post_trial);
}

static sem_t own;

static int wait_own(void)
{
	return sem_wait(&own);
}

static int wait_own_in_time(void)
{
	return by_timedwait(&own);
}

static int wait_shared(void)
{
	return sem_wait(sem);
}

static int wait_shared_in_time(void)
{
	return by_timedwait(sem);
}

static int wait_shared_by_clock(void)
{
	return by_clockwait(sem);
}

static void post_own(int signal)
{
	(void)signal;
	sem_post(&own);
}

/* The memory of a private one is the child's own after the fork: each is served by its own post. */
CASE(sem_wait_asleep_is_forked_by_a_handler_and_each_waits_for_its_own)
{
	struct sigaction action = { .sa_handler = post_own, .sa_flags = SA_RESTART };
	CHECK_OK(sigaction(SIGUSR2, &action, NULL));
	CHECK_OK(sem_init(&own, 0, 0));
	pid_t (*const ways[])(void) = { fork, by_clone, _Fork };
	for (int i = 0; i < 3; i++) {
		make_child = ways[i];
		pid_t sleeper = start_sleeper(wait_own, SA_RESTART);
		fork_sleeper(sleeper, true);
		CHECK_OK(kill(both->child[0], SIGUSR2));
		CHECK_SOON(atomic_load(&both->returned) == 1);
		queue_await_asleep(sleeper);
		CHECK_OK(kill(sleeper, SIGUSR2));
		all_return(sleeper, 2, 0);
	}
}

/* Timed waits end with EINTR whatever the flags of the handler are. */
CASE(sem_waits_asleep_that_are_forked_by_a_handler_are_interrupted_in_both)
{
	struct {
		int (*call)(void);
		int flags;
	} const calls[] = {
		{ wait_own, 0 }, { wait_own_in_time, SA_RESTART }, { wait_shared, 0 },
		{ wait_shared_in_time, SA_RESTART }, { wait_shared_by_clock, SA_RESTART },
	};
	make_child = fork;
	CHECK_OK(sem_init(&own, 0, 0));
	for (int i = 0; i < 5; i++) {
		sem = shared_sem(0);
		pid_t sleeper = start_sleeper(calls[i].call, calls[i].flags);
		fork_sleeper(sleeper, false);
		all_return(sleeper, 2, -EINTR);
		CHECK_EQ(value_of(sem), 0);
	}
}
