/* A participant is killed at each instruction of its call. A positive value reaches the living
 * waiters. */
#include "../support/sem.h"
#include "../support/step.h"

/* Trials at a time. */
enum { AT_A_TIME = 16 };

/* The bound: no waiter sleeps for longer while the value is positive. */
#define PROMISED_MS 2000

/* Shared between a trial, its victim and its survivor. */
static struct ground {
	sem_t sem;
	int survived;
} *ground;

static void make_ground(unsigned value)
{
	ground = mmap(NULL, sizeof *ground, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(ground != MAP_FAILED);
	CHECK_OK(sem_init(&ground->sem, 1, value));
	step_on_one_processor();
	/* Now it is known as that of the last poster. */
	CHECK_OK(sem_post(&ground->sem));
	CHECK_OK(sem_trywait(&ground->sem));
}

/* With sleep and wake: what a thread needs for its first one takes many instructions. */
static void rehearse(void)
{
	sem_t *rehearsal = mmap(NULL, sizeof *rehearsal, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(rehearsal != MAP_FAILED);
	CHECK_OK(sem_init(rehearsal, 1, 0));
	pid_t sleeper = check_fork();
	if (sleeper == 0)
		_exit(sem_wait(rehearsal) != 0);
	CHECK_SOON(waiters_of(rehearsal) == 1 && asleep(sleeper, sleeper));
	CHECK_OK(sem_post(rehearsal));
	check_child(sleeper);
	CHECK_FAILS(sem_timedwait(rehearsal, &(struct timespec){ .tv_nsec = 1 }), ETIMEDOUT);
	CHECK_OK(sem_post(rehearsal));
	CHECK_OK(sem_wait(rehearsal));
}

static void post(void)
{
	sem_post(&ground->sem);
}

static void take(void)
{
	sem_wait(&ground->sem);
}

/* A waiter that decrements once. Returns when it is asleep. */
static pid_t start_survivor(void)
{
	unsigned before = waiters_of(&ground->sem);
	pid_t survivor = check_fork();
	if (survivor == 0) {
		CHECK_OK(sem_wait(&ground->sem));
		__atomic_store_n(&ground->survived, 1, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	CHECK_SOON(waiters_of(&ground->sem) == before + 1 && asleep(survivor, survivor));
	return survivor;
}

static int survived(void)
{
	return __atomic_load_n(&ground->survived, __ATOMIC_SEQ_CST);
}

/* Whether the survivor sleeps although the value is positive. The victim is stopped. */
static int sleeps_on_token(pid_t survivor)
{
	return value_of(&ground->sem) > 0 && asleep(survivor, survivor) && !survived();
}

/* After the victim's death: if the value is positive, the survivor, which was asleep, decrements
 * it. `between`: the survivor slept although the value was positive, just before the death. */
static int judge(pid_t survivor, int between)
{
	for (int ms = 0; !survived(); ms++) {
		int token = value_of(&ground->sem) > 0, sleeps = asleep(survivor, survivor);
		if (survived())
			break;
		if (!token && sleeps)
			return STEP_EARLY;
		if (ms > PROMISED_MS)
			check_fail(__FILE__, __LINE__, "the value is positive and the survivor sleeps");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	CHECK_EQ(value_of(&ground->sem), 0);
	return between ? STEP_BETWEEN : STEP_LATE;
}

static int poster_trial(int steps)
{
	make_ground(0);
	pid_t survivor = start_survivor();
	pid_t victim = step_victim(rehearse, post);
	int in_call = step_many(victim, steps);
	int between = sleeps_on_token(survivor);
	step_kill(victim);
	int end = judge(survivor, between);
	return in_call ? end : STEP_OVER;
}

CASE_BETTER(poster_killed_at_any_instruction,
	    "glibc's waiters sleep for ever if the poster dies between the increment and the wake")
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(poster_trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_BETWEEN] > 0 && counts[STEP_LATE] > 0);
}

/* Where it decrements the value depends on the order in which the kernel wakes: the thread that
 * slept first is first. */
static int woken_trial(int steps, int survivor_first)
{
	make_ground(0);
	pid_t survivor = survivor_first ? start_survivor() : 0;
	pid_t victim = step_victim(rehearse, take);
	step_to_sleep(victim);
	if (survivor_first) {
		/* A stop, unseen by the program, has it sleep once more: now it is the last in the
		 * row. */
		CHECK_OK(kill(survivor, SIGSTOP));
		CHECK_EQ(waitpid(survivor, NULL, WUNTRACED), survivor);
		CHECK_OK(kill(survivor, SIGCONT));
		CHECK_SOON(asleep(survivor, survivor));
	} else {
		survivor = start_survivor();
	}
	CHECK_OK(sem_post(&ground->sem));
	/* The wake may be the survivor's: a look of its own has come in between. Then there is
	 * nothing to see. */
	while (asleep(victim, victim))
		if (survived())
			return STEP_LATE;
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	int in_call = step_many(victim, steps);
	int between = sleeps_on_token(survivor);
	step_kill(victim);
	int end = judge(survivor, between);
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
	    "glibc's other waiters sleep on although the value is positive")
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(woken_first_trial, AT_A_TIME, counts);
	/* "Early" is here: it took the post along. */
	CHECK(counts[STEP_BETWEEN] > 0 && counts[STEP_EARLY] > 0);
}

CASE_BETTER(waiter_killed_with_a_wake_that_overtook_the_other,
	    "glibc's other waiter sleeps on although the value is positive")
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(woken_past_another_trial, AT_A_TIME, counts);
	CHECK(counts[STEP_BETWEEN] > 0 && counts[STEP_EARLY] > 0);
}

/* On the way to sleep. What it leaves is a count of waiters that is too high, which does
 * no harm. */
static int sleeper_trial(int steps)
{
	make_ground(0);
	pid_t victim = step_victim(rehearse, take);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	CHECK_EQ(value_of(&ground->sem), 0);
	CHECK(waiters_of(&ground->sem) <= 1);
	pid_t survivor = start_survivor();
	CHECK_OK(sem_post(&ground->sem));
	check_child(survivor);
	CHECK_EQ(value_of(&ground->sem), 0);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(waiter_killed_on_its_way_to_sleep)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(sleeper_trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0);
}

static int taker_trial(int steps)
{
	make_ground(1);
	pid_t victim = step_victim(rehearse, take);
	int in_call = step_many(victim, steps);
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

CASE(waiter_killed_while_it_takes_a_post)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(taker_trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_LATE] > 0);
}
