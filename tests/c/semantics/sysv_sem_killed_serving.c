/* A process serves another one that is on its way to its sleep, and is killed before it can wake
 * it. The other one is stopped at each instruction behind the call by which it tells sleepers of
 * itself. It looks at its own wait there, for the last time, and the first process is about to end
 * that wait. */
#include "../support/step.h"
#include "../support/sysv_sleepers.h"

#include <limits.h>

enum { TAKEN, KEPT, MEMBERS };

static int set, elsewhere;

static void rehearse(void)
{
	CHECK_OK(SEMOP(elsewhere, { 0, 1, SEM_UNDO }));
	CHECK_OK(SEMOP(elsewhere, { 0, -1, SEM_UNDO }));
}

static void takes(void)
{
	CHECK_OK(SEMOP(set, { TAKEN, -1, 0 }));
}

static void gives(void)
{
	CHECK_OK(SEMOP(set, { TAKEN, 1, 0 }));
}

/* Whether the system call at which it has stopped is a wake. */
static int is_wake(pid_t victim)
{
#ifdef __x86_64__
	struct user_regs_struct registers;
	CHECK_OK(ptrace(PTRACE_GETREGS, victim, NULL, &registers));
	return registers.orig_rax == SYS_futex && (registers.rsi & FUTEX_CMD_MASK) == FUTEX_WAKE;
#else
	(void)victim;
	return 0;
#endif
}

static int step_to_system_call(pid_t victim, int most)
{
	int steps = 0;
	while (steps < most && !step_is_system_call(victim)) {
		CHECK(step_one(victim));
		steps++;
	}
	return steps;
}

static void waits_for_its_end(int *stage)
{
	CHECK_SOON(__atomic_load_n(stage, __ATOMIC_SEQ_CST) == 2);
	CHECK_EQ(value_of(set, TAKEN), 0);
}

static pid_t waiter;

/* Stops the one that takes at the end of its wake. False: it makes none, and sleeps. */
static int begins(void)
{
	step_on_one_processor();
	set = new_set(MEMBERS);
	elsewhere = new_set(1);
	/* Another process may have something that is to be undone. */
	CHECK_OK(SEMOP(set, { KEPT, 1, SEM_UNDO }));
	waiter = step_victim(rehearse, takes);
	for (int stops = 0; stops < 2; stops += is_wake(waiter))
		if (!step_on(PTRACE_SYSCALL, waiter))
			return 0;
	return 1;
}

static void clears_up(void)
{
	step_kill(waiter);
	remove_set(set);
	remove_set(elsewhere);
}

/* Lets the one that takes go on. It returns. */
static void ends(int *stage)
{
	CHECK_OK(ptrace(PTRACE_DETACH, waiter, NULL, NULL));
	waits_for_its_end(stage);
	clears_up();
}

/* Instructions of the one that gives, until the other one is served. */
static int *until_served;

static int serves_and_is_killed(pid_t server)
{
	int steps = 0;
	for (; takers_of(set, TAKEN) > 0; steps++)
		CHECK(step_one(server));
	step_kill(server);
	return steps;
}

/* The least of several times. */
static int measure(int turn)
{
	enum { TURNS = 3 };
	int began = begins(), *stage = step_place;
	if (!began) {
		clears_up();
		return STEP_OVER;
	}
	int steps = serves_and_is_killed(step_victim(rehearse, gives));
	if (*until_served == 0 || steps < *until_served)
		*until_served = steps;
	ends(stage);
	return turn == TURNS ? STEP_OVER : STEP_BETWEEN;
}

/* More than it makes from its wake to the last look at its own wait. */
enum { MOST = 240 };

static int trial(int steps)
{
	if (steps >= MOST)
		return STEP_OVER;
	int began = begins(), *stage = step_place;
	CHECK(began);
	int is_over = step_to_system_call(waiter, steps) < steps;
	pid_t server = step_victim(rehearse, gives);
	CHECK(step_many(server, *until_served - 1));
	/* Another number of instructions than was measured, now and then. */
	int is_late = takers_of(set, TAKEN) == 0;
	step_to_system_call(waiter, INT_MAX);
	serves_and_is_killed(server);
	ends(stage);
	return is_over ? STEP_OVER : is_late ? STEP_LATE : STEP_BETWEEN;
}

CASE(semop_on_its_way_to_its_sleep_is_served_by_one_that_is_killed)
{
	enum { AT_A_TIME = 4 };
	int counts[STEP_ENDS] = { 0 };
	until_served = common_memory(sizeof *until_served);
	step_some_trials(measure, 0, 1, 1, counts);
	memset(counts, 0, sizeof counts);
	if (*until_served == 0)
		CHECK_SKIP("semop makes no wake before it sleeps, or that is not seen here");
	step_shared_trials(trial, AT_A_TIME, counts);
	CHECK(counts[STEP_BETWEEN] > counts[STEP_LATE]);
}
