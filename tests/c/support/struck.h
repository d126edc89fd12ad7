/* A signal that arrives at each instruction of a call: ptrace(2) counts them, and lets go. */
#ifndef SUPPORT_STRUCK_H
#define SUPPORT_STRUCK_H

#include <stdbool.h>
#include "step.h"

/* What a struck call and its handler note. Shared by the trial and its victim. */
static struct struck {
	int handled;      /* times that the handler ran */
	int done;         /* processes in which the call has returned */
	int failed;       /* of them, those in which it failed */
	int error;        /* errno of the last one that failed */
	pid_t child;      /* that the handler has made */
	char got[2][64];  /* by the victim, and by its child */
	int noted;        /* how many of the two have noted it */
} *struck;

__attribute__((unused)) static int struck_read(int *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

__attribute__((unused)) static void struck_add(int *word)
{
	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

__attribute__((unused)) static void struck_prepare(void)
{
	struck = mmap(NULL, sizeof *struck, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(struck != MAP_FAILED);
}

/* To be called by the victim: SIGUSR1 strikes once. */
__attribute__((unused)) static void struck_by(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
}

/* To be called with the result of the call, at once: strikes come before. */
__attribute__((unused)) static void struck_returned(bool succeeded)
{
	__atomic_store_n(step_place, 2, __ATOMIC_SEQ_CST);
	if (!succeeded) {
		__atomic_store_n(&struck->error, errno, __ATOMIC_SEQ_CST);
		struck_add(&struck->failed);
	}
	struck_add(&struck->done);
}

/* One that sleeps in a system call must be woken by its signal, and is stopped once more before. */
static void strike_sleeper(pid_t victim)
{
	int status;
	CHECK_OK(kill(victim, SIGUSR1));
	for (;;) {
		CHECK_EQ(waitpid(victim, &status, 0), victim);
		CHECK(WIFSTOPPED(status));
		if (WSTOPSIG(status) == SIGUSR1)
			return;
		CHECK_OK(ptrace(PTRACE_CONT, victim, NULL, NULL));
	}
}

/* After so many instructions the victim is struck by SIGUSR1, and runs on alone. Whether that was
 * in the call. */
__attribute__((unused)) static bool strike_after(pid_t victim, int steps)
{
	bool in_call = step_many(victim, steps);
	if (!in_call && step_stage() == 1) {
		strike_sleeper(victim);
		in_call = true;
	}
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, SIGUSR1));
	return in_call;
}

/* Runs trial(0), trial(1), ... as step_shared_trials() does; most of the strikes must be in the
 * call. */
__attribute__((unused)) static void strike_each_step(int (*trial)(int steps))
{
	enum { AT_ONCE = 8 };
	int counts[STEP_ENDS] = { 0 };
	step_shared_trials(trial, AT_ONCE, counts);
	CHECK(counts[STEP_LATE] > 3);
	CHECK(counts[STEP_OVER] > 0);
}

#endif
