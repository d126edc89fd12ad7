/* A participant is killed at each instruction of its call. Tokens that are there reach those who live. */
#include "../support/step.h"

/* The promise: nobody hangs for longer than this on a token that is there. */
#define PROMISED_MS 2000

/* After the victim's death: a token that is there gets to the survivor, who was asleep; or there is none. */
static int judge(struct step_ground *ground, pid_t survivor)
{
	int between = 0;
	for (int ms = 0; !step_survived(ground); ms++) {
		int token = value_of(&ground->sem) > 0, sleeps = asleep(survivor, survivor);
		if (step_survived(ground))
			break;
		if (!token && sleeps)
			return STEP_EARLY;
		between |= token && sleeps && ms > 10;
		if (ms > PROMISED_MS)
			check_fail(__FILE__, __LINE__, "a token is there and the survivor sleeps");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	CHECK_EQ(value_of(&ground->sem), 0);
	return between ? STEP_BETWEEN : STEP_LATE;
}

static int poster_trial(int steps)
{
	struct step_ground *ground = step_ground(0);
	pid_t survivor = step_survivor(ground);
	pid_t victim = step_victim(ground, sem_post, sem_trywait);
	int in_call = step_many(ground, victim, steps);
	step_kill(victim);
	int end = judge(ground, survivor);
	return in_call ? end : STEP_OVER;
}

CASE_BETTER(poster_killed_at_any_instruction,
	    "glibc's waiters sleep for ever if the poster dies between the token and the wake")
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(poster_trial, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_BETWEEN] > 0 && counts[STEP_LATE] > 0);
}

/* Where it gets the token depends on the order in which the kernel wakes: first the one who slept first. */
static int woken_trial(int steps, int survivor_first)
{
	struct step_ground *ground = step_ground(0);
	pid_t survivor = survivor_first ? step_survivor(ground) : 0;
	pid_t victim = step_victim(ground, sem_wait, sem_post);
	step_to_sleep(ground, victim);
	if (survivor_first) {
		/* A stop, unseen by the program, has it sleep once more: now it is the last in the row. */
		CHECK_OK(kill(survivor, SIGSTOP));
		CHECK_EQ(waitpid(survivor, NULL, WUNTRACED), survivor);
		CHECK_OK(kill(survivor, SIGCONT));
		CHECK_SOON(asleep(survivor, survivor));
	} else {
		survivor = step_survivor(ground);
	}
	CHECK_OK(sem_post(&ground->sem));
	/* The wake may be the survivor's: a look of its own has come in between. Then there is nothing to see. */
	while (asleep(victim, victim))
		if (step_survived(ground))
			return STEP_LATE;
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	int in_call = step_many(ground, victim, steps);
	step_kill(victim);
	int end = judge(ground, survivor);
	return in_call ? end : STEP_OVER;
}

static int woken_first_trial(int steps)
{
	return woken_trial(steps, 0);
}

static int woken_past_another_trial(int steps)
{
	return woken_trial(steps, 1);
}

CASE_BETTER(waiter_killed_at_any_instruction_after_its_wake,
	    "glibc's other waiters sleep on although the token is there")
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(woken_first_trial, counts);
	/* "Early" is here: it took the token along. */
	CHECK(counts[STEP_BETWEEN] > 0 && counts[STEP_EARLY] > 0);
}

CASE_BETTER(waiter_killed_with_a_wake_that_overtook_the_other,
	    "glibc's other waiter sleeps on although the token is there")
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(woken_past_another_trial, counts);
	CHECK(counts[STEP_BETWEEN] > 0 && counts[STEP_EARLY] > 0);
}

/* On the way to sleep. What it leaves is a count of waiters that is too high, which does no harm. */
static int sleeper_trial(int steps)
{
	struct step_ground *ground = step_ground(0);
	pid_t victim = step_victim(ground, sem_wait, sem_post);
	int in_call = step_many(ground, victim, steps);
	step_kill(victim);
	CHECK_EQ(value_of(&ground->sem), 0);
	CHECK(waiters_of(&ground->sem) <= 1);
	pid_t survivor = step_survivor(ground);
	CHECK_OK(sem_post(&ground->sem));
	check_child(survivor);
	CHECK_EQ(value_of(&ground->sem), 0);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(waiter_killed_on_its_way_to_sleep)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(sleeper_trial, counts);
	CHECK(counts[STEP_EARLY] > 0);
}

static int taker_trial(int steps)
{
	struct step_ground *ground = step_ground(1);
	pid_t victim = step_victim(ground, sem_wait, sem_post);
	int in_call = step_many(ground, victim, steps);
	step_kill(victim);
	CHECK_EQ(waiters_of(&ground->sem), 0);
	int left = value_of(&ground->sem);
	CHECK(left == 0 || left == 1);
	if (left == 0)
		CHECK_OK(sem_post(&ground->sem));
	CHECK_OK(sem_trywait(&ground->sem));
	CHECK_FAILS(sem_trywait(&ground->sem), EAGAIN);
	return !in_call ? STEP_OVER : left ? STEP_EARLY : STEP_LATE;
}

CASE(waiter_killed_while_it_takes_a_token)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(taker_trial, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_LATE] > 0);
}
