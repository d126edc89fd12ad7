/* A handler forks in a sem_wait that has slept, and has been woken: parent and child go on with it.
 * Each has a unit in the end, and nobody is counted as a waiter any more. */
#include "../support/fork_struck.h"
#include "../support/robust.h"

enum { UNITS = 2 };

static sem_t *sem;
static int is_robust, is_timed;
/* The strikes come after every so many instructions, from the first of them on. */
static int stride = 1, first;

static void rehearse(void)
{
	sem_t *elsewhere = is_robust ? robust_sem(0) : shared_sem(0);
	struct timespec late = from_now(CLOCK_REALTIME, 60000);
	for (int i = 0; i < 2; i++)
		CHECK_OK(sem_post(elsewhere));
	CHECK_OK(sem_wait(elsewhere));
	CHECK_OK(sem_timedwait(elsewhere, &late));
	struck_forks();
}

static void wait_in_both(void)
{
	struct timespec late = from_now(CLOCK_REALTIME, 60000);
	struck_returned_in_both((is_timed ? sem_timedwait(sem, &late) : sem_wait(sem)) == 0);
}

static int trial(int steps)
{
	struck_prepare();
	step_on_one_processor();
	sem = is_robust ? robust_sem(0) : shared_sem(0);
	pid_t victim = step_victim(rehearse, wait_in_both);
	step_to_sleep(victim);
	CHECK_OK(sem_post(sem));
	int status;
	/* The end of its system call. */
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	CHECK(WIFSTOPPED(status));
	if (!step_many(victim, first + steps * stride)) {
		step_kill(victim);
		return STEP_OVER;
	}
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, SIGUSR1));
	/* For the second one, if the parent had not taken when it forked. */
	CHECK_SOON(struck_read(&struck->done) >= 1);
	CHECK_OK(sem_post(sem));
	CHECK_SOON(struck_read(&struck->done) == 2);
	CHECK_EQ(struck->failed, 0);
	CHECK_EQ(waiters_of(sem), 0);
	step_kill(victim);
	/* What they had has been given back. */
	if (is_robust)
		CHECK_SOON(value_of(sem) == UNITS);
	else
		CHECK(value_of(sem) <= 1);
	CHECK_EQ(waiters_of(sem), 0);
	return STEP_LATE;
}

static void forks_at_each_step(void)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(trial, 8, counts);
	CHECK(counts[STEP_LATE] > 3);
}

CASE(robust_wait_that_is_woken_is_forked_in_the_middle)
{
	is_robust = 1;
	stride = 4;
	make_child = fork;
	forks_at_each_step();
}

CASE(robust_wait_that_is_woken_is_forked_by_a_system_call)
{
	is_robust = 1;
	stride = 4;
	first = 1;
	make_child = by_clone;
	forks_at_each_step();
}

CASE(robust_timed_wait_that_is_woken_is_forked_in_the_middle)
{
	is_robust = is_timed = 1;
	stride = 4;
	first = 2;
	make_child = fork;
	forks_at_each_step();
}

CASE(robust_or_not_a_wait_that_is_woken_is_forked_in_the_middle)
{
	make_child = fork;
	forks_at_each_step();
}
