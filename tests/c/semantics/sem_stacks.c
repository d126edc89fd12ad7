/* A call on a semaphore is interrupted at each instruction, and the handler makes others, on a
 * stack that tells nothing by its address: an alternate one, or that of a coroutine. */
#include "../support/sem.h"
#include "../support/stacks.h"

static sem_t *sem, *elsewhere;
static struct timespec late;

static void use_nested(void)
{
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_wait(sem));
	CHECK_OK(sem_post(elsewhere));
	struck_add(&struck->noted);
}

static void wait_here(void)
{
	step_begin();
	struck_returned(sem_wait(sem) == 0);
}

static void wait_in_time_here(void)
{
	step_begin();
	struck_returned(sem_timedwait(sem, &late) == 0);
}

static void post_here(void)
{
	step_begin();
	struck_returned(sem_post(sem) == 0);
}

static void (*here)(void);

static void on_middle(void)
{
	on_stack(MIDDLE, here);
}

static void rehearse(void)
{
	sem_t *other = shared_sem(1);
	late = from_now(CLOCK_REALTIME, 60000);
	CHECK_OK(sem_wait(other));
	CHECK_OK(sem_post(other));
	CHECK_OK(sem_timedwait(other, &late));
	struck_on_stack();
}

static int trial(int steps, void (*call)(void), int change)
{
	struck_prepare();
	step_on_one_processor();
	sem = shared_sem(3);
	elsewhere = shared_sem(0);
	here = call;
	nested = use_nested;
	pid_t victim = step_victim(rehearse, on_middle);
	bool in_call = strike_after(victim, steps);
	CHECK_SOON(struck_read(&struck->done) == 1 && struck_read(&struck->noted) == 1);
	CHECK_EQ(struck->failed, 0);
	step_kill(victim);
	CHECK_EQ(value_of(sem), 3 + change);
	CHECK_EQ(value_of(elsewhere), 1);
	CHECK_EQ(waiters_of(sem), 0);
	return in_call ? STEP_LATE : STEP_OVER;
}

static int wait_trial(int steps)
{
	return trial(steps, wait_here, -1);
}

static int timed_wait_trial(int steps)
{
	return trial(steps, wait_in_time_here, -1);
}

static int post_trial(int steps)
{
	return trial(steps, post_here, 1);
}

static void each_step(enum kind kind)
{
	strike_nested(wait_trial, kind);
	strike_nested(timed_wait_trial, kind);
	strike_nested(post_trial, kind);
}

CASE(sem_calls_on_an_alternate_stack_at_any_instruction_of_others)
{
	each_step(ALTERNATE);
}

CASE(sem_calls_on_a_disarmed_stack_at_any_instruction_of_others)
{
	each_step(DISARMED);
}

CASE(sem_calls_in_a_coroutine_at_any_instruction_of_others)
{
	each_step(COROUTINE);
}
