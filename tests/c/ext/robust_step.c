/* A process is killed at each instruction of a call on a robust semaphore. Nothing is lost, nothing
 * is given twice. */
#include "../support/robust.h"
#include "../support/step.h"

/* Trials at a time. In a ledger, the marks are behind 120 accounts of 256 bytes. */
enum { AT_A_TIME = 16, TOKENS = 3, ACCOUNTS = 120, MARKS = 4096 + ACCOUNTS * 256 };

static sem_t *ground;
static char *ledger;

/* All have the ledger in memory. */
static void make_ground_of(sem_t *sem)
{
	ground = sem;
	CHECK_OK(rsipc_sem_setrobust(ground));
	int fd = open(ledger_path(ground), O_RDWR | O_CLOEXEC);
	CHECK_OK(fd);
	ledger = mmap(NULL, MARKS + 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(ledger != MAP_FAILED);
	/* Not closed: that would give back the locks of this process. */
	CHECK_OK(unlink(ledger_path(ground)));
	step_on_one_processor();
	/* Now it is known as that of the last poster. */
	CHECK_OK(sem_post(ground));
	CHECK_OK(sem_trywait(ground));
}

static void make_ground(unsigned value)
{
	make_ground_of(shared_sem(value));
}

/* One that can be closed. */
static void make_named_ground(unsigned value)
{
	char end[32];
	snprintf(end, sizeof end, "step%d", getpid());
	const char *name = check_name(end);
	make_ground_of(open_new(name, value));
	CHECK_OK(sem_unlink(name));
}

/* The mark that stands for an account; 0: it is free. */
static unsigned standing(int account)
{
	char *row = ledger + MARKS + account * ACCOUNTS * 8;
	return __atomic_load_n((unsigned *)(void *)(row + account * 8), __ATOMIC_SEQ_CST);
}

/* Opens the account of the victim. */
static void rehearse_holding(void)
{
	CHECK_OK(sem_wait(ground));
	CHECK_OK(sem_post(ground));
	CHECK_OK(sem_wait(ground));
}

static void rehearse(void)
{
	rehearse_holding();
	CHECK_OK(sem_post(ground));
}

static void post(void)
{
	sem_post(ground);
}

static void take(void)
{
	sem_wait(ground);
}

static void take_or_not(void)
{
	sem_trywait(ground);
}

/* A process that dies after the victim, with an account behind the victim's: when what it had taken
 * is there again, the victim has been dealt with. */
static void await_burial(int value)
{
	end_holder(holder_of(ground, take_one), KILLED);
	CHECK_SOON(value_of(ground) == value);
	for (int i = 0; i < 5; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		CHECK_EQ(value_of(ground), value);
	}
}

static int trial(int steps, void (*before)(void), void (*call)(void))
{
	make_ground(TOKENS);
	pid_t victim = step_victim(before, call);
	int at_first = value_of(ground), in_call = step_many(victim, steps);
	int has_changed = value_of(ground) != at_first;
	int is_over = step_stage() != 1;
	step_kill(victim);
	await_burial(TOKENS);
	CHECK_EQ(waiters_of(ground), 0);
	return !in_call ? STEP_OVER : is_over ? STEP_LATE : has_changed ? STEP_BETWEEN : STEP_EARLY;
}

static int take_trial(int steps)
{
	return trial(steps, rehearse, take);
}

static int take_or_not_trial(int steps)
{
	return trial(steps, rehearse, take_or_not);
}

static int post_trial(int steps)
{
	return trial(steps, rehearse_holding, post);
}

/* What a kill leaves: the word, the lanes, the counts of the first accounts, as one number. */
static unsigned long seen(void)
{
	unsigned long sum = __atomic_load_n((unsigned long *)(void *)ground, __ATOMIC_SEQ_CST);
	for (size_t at = 512; at < 4096 + 1024; at += sizeof sum)
		sum = sum * 31 + __atomic_load_n((unsigned long *)(void *)(ledger + at),
						 __ATOMIC_SEQ_CST);
	return sum;
}

/* Kills at all instructions, or at those that make a difference. */
static void try_steps(int (*one)(int steps), int counts[STEP_ENDS])
{
	if (getenv("CHECK_EVERY_STEP"))
		step_trials(one, AT_A_TIME, counts);
	else
		step_trials_at_changes(one, seen, 4, counts);
}

static void every_step(int (*one)(int steps))
{
	int counts[STEP_ENDS] = { 0 };
	try_steps(one, counts);
	fprintf(stderr, "%d early, %d between\n", counts[STEP_EARLY], counts[STEP_BETWEEN]);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_BETWEEN] > 0 && counts[STEP_OVER] > 0);
}

CASE(robust_taker_killed_at_any_instruction)
{
	every_step(take_trial);
}

CASE(robust_trier_killed_at_any_instruction)
{
	every_step(take_or_not_trial);
}

CASE(robust_poster_killed_at_any_instruction)
{
	every_step(post_trial);
}

/* The one that sleeps gets it, be it posted or given back, and gives it back as it ends. */
static int poster_with_sleeper_trial(int steps)
{
	make_ground(1);
	pid_t victim = step_victim(rehearse_holding, post);
	pid_t sleeper = check_fork();
	if (sleeper == 0) {
		CHECK_OK(sem_wait(ground));
		_exit(0);
	}
	CHECK_SOON(waiters_of(ground) % 256 == 1 && asleep(sleeper, sleeper));
	int in_call = step_many(victim, steps);
	step_kill(victim);
	check_child(sleeper);
	await_burial(1);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(robust_poster_killed_while_another_one_sleeps)
{
	int counts[STEP_ENDS] = { 0 };
	try_steps(poster_with_sleeper_trial, counts);
	CHECK(counts[STEP_EARLY] > 0);
}

static void close_it(void)
{
	sem_close(ground);
}

/* The account of the victim is free in the end, and what it held is there. */
static int close_trial_after(int steps, void (*before)(void))
{
	make_named_ground(TOKENS);
	pid_t victim = step_victim(before, close_it);
	int in_call = step_many(victim, steps);
	int is_over = step_stage() != 1, has_left = standing(1) == 0;
	step_kill(victim);
	await_burial(TOKENS);
	CHECK_SOON(standing(1) == 0 && standing(2) == 0);
	return !in_call ? STEP_OVER : is_over ? STEP_LATE : has_left ? STEP_BETWEEN : STEP_EARLY;
}

static int close_trial(int steps)
{
	return close_trial_after(steps, rehearse);
}

static int owing_close_trial(int steps)
{
	return close_trial_after(steps, rehearse_holding);
}

/* With the marks of the victim. */
static unsigned long seen_with_marks(void)
{
	unsigned long sum = seen();
	for (int account = 0; account < 3; account++)
		sum = sum * 31 + standing(account);
	return sum;
}

CASE(robust_closer_killed_at_any_instruction)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials_at_changes(close_trial, seen_with_marks, 4, counts);
	fprintf(stderr, "%d early, %d between\n", counts[STEP_EARLY], counts[STEP_BETWEEN]);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_BETWEEN] > 0 && counts[STEP_OVER] > 0);
}

/* It stays in debt, and dies. */
CASE(robust_owing_closer_killed_at_any_instruction)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials_at_changes(owing_close_trial, seen_with_marks, 4, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

static struct {
	int told, done;
} *destroyer;

static void *destroy_when_told(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&destroyer->told, __ATOMIC_SEQ_CST))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	CHECK_OK(sem_trywait(ground));
	CHECK_OK(sem_destroy(ground));
	__atomic_store_n(&destroyer->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void rehearse_with_destroyer(void)
{
	pthread_t thread;
	rehearse_holding();
	CHECK_EQ(pthread_create(&thread, NULL, destroy_when_told, NULL), 0);
}

/* Another thread of the poster takes what it has posted and destroys the semaphore. Where a kernel
 * has no rseq(2) (GLIBC_TUNABLES=glibc.pthread.rseq=0), CHECK_EVERY_STEP finds a library that frees
 * the ledger too early. */
static int poster_with_destroyer_trial(int steps)
{
	make_ground(1);
	destroyer = common_memory(sizeof *destroyer);
	pid_t victim = step_victim(rehearse_with_destroyer, post);
	int in_call = step_many(victim, steps);
	int has_posted = value_of(ground) == 1 && step_stage() == 1;
	if (has_posted) {
		__atomic_store_n(&destroyer->told, 1, __ATOMIC_SEQ_CST);
		CHECK_SOON(__atomic_load_n(&destroyer->done, __ATOMIC_SEQ_CST));
	}
	CHECK_OK(ptrace(PTRACE_CONT, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	step_kill(victim);
	return !in_call ? STEP_OVER : has_posted ? STEP_BETWEEN : STEP_EARLY;
}

CASE(robust_poster_at_any_instruction_as_the_semaphore_is_destroyed)
{
	int counts[STEP_ENDS] = { 0 };
	try_steps(poster_with_destroyer_trial, counts);
	fprintf(stderr, "%d early, %d between\n", counts[STEP_EARLY], counts[STEP_BETWEEN]);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_BETWEEN] > 0);
}
