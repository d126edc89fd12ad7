/* A process that is killed, or stopped, after every number of instructions of one call: ptrace(2) counts them. */
#ifndef SUPPORT_STEP_H
#define SUPPORT_STEP_H

#include <sched.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include "asleep.h"
#include "check.h"

/* How a trial can end, as its exit status. */
enum step_end {
	STEP_EARLY = 100, /* killed before the call had any effect */
	STEP_BETWEEN,     /* killed with its effect there, and somebody asleep who should know of it */
	STEP_LATE,        /* killed when all was done */
	STEP_OVER,        /* the call returned before it was killed */
	STEP_ENDS,
};

/* Of the victim: 0 = not there yet, 1 = in the call, 2 = the call has returned. */
static int *step_place;

__attribute__((unused)) static int step_stage(void)
{
	return __atomic_load_n(step_place, __ATOMIC_SEQ_CST);
}

/* The trial and its children run on one processor: where the other side cannot run meanwhile nobody spins, and a spin
 * has many instructions. */
__attribute__((unused)) static void step_on_one_processor(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((unsigned)sched_getcpu(), &set);
	CHECK_OK(sched_setaffinity(0, sizeof set, &set));
}

/* Lets a stopped victim go on to its next stop. 0: it sleeps in the kernel instead. */
static int step_on(int request, pid_t victim)
{
	int status;
	CHECK_OK(ptrace(request, victim, NULL, NULL));
	for (unsigned looks = 1;; looks++) {
		pid_t stopped = waitpid(victim, &status, WNOHANG);
		CHECK_OK(stopped);
		if (stopped == victim)
			break;
		if (looks % 8 == 0 && asleep(victim, victim))
			return 0;
		sched_yield();
	}
	CHECK(WIFSTOPPED(status));
	return 1;
}

__attribute__((unused)) static int step_one(pid_t victim)
{
	return step_on(PTRACE_SINGLESTEP, victim);
}

/* Until it sleeps in the kernel. Its next stop is the end of that system call. */
__attribute__((unused)) static void step_to_sleep(pid_t victim)
{
	while (step_on(PTRACE_SYSCALL, victim))
		CHECK_EQ(step_stage(), 1);
}

/* The victim, stopped just before `call`. `rehearse` makes the same calls elsewhere: addresses of functions are looked
 * up when they are called first. */
__attribute__((unused)) static pid_t step_victim(void (*rehearse)(void), void (*call)(void))
{
	step_place = mmap(NULL, sizeof *step_place, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(step_place != MAP_FAILED);
	pid_t victim = check_fork();
	if (victim == 0) {
		rehearse();
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		__atomic_store_n(step_place, 1, __ATOMIC_SEQ_CST);
		call();
		__atomic_store_n(step_place, 2, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	int status;
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	CHECK(WIFSTOPPED(status));
	while (step_stage() == 0)
		CHECK(step_one(victim));
	return victim;
}

/* `steps` instructions more, or fewer if the call returns or sleeps; 0 in that case. */
__attribute__((unused)) static int step_many(pid_t victim, int steps)
{
	while (steps-- > 0)
		if (!step_one(victim) || step_stage() == 2)
			return 0;
	return 1;
}

__attribute__((unused)) static void step_kill(pid_t victim)
{
	CHECK_OK(kill(victim, SIGKILL));
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
}

/* Runs trial(0), trial(1), ... in processes of their own, so many at a time, until one ends with STEP_OVER, and counts
 * how they ended. */
__attribute__((unused)) static void step_trials(int (*trial)(int steps), int at_a_time, int counts[STEP_ENDS])
{
	int running = 0, over = 0;
	pid_t tried = check_fork();
	if (tried == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1);
	int status;
	CHECK_EQ(waitpid(tried, &status, 0), tried);
	if (status != 0)
		CHECK_SKIP("ptrace is refused");
	for (int steps = 0; !over || running > 0;) {
		if (!over && running < at_a_time) {
			if (check_fork() == 0)
				_exit(trial(steps));
			steps++;
			running++;
			continue;
		}
		CHECK_OK(wait(&status));
		running--;
		int end = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		if (end < STEP_EARLY || end >= STEP_ENDS)
			check_fail(__FILE__, __LINE__, "a trial of %d steps or fewer failed: status 0x%x", steps, status);
		counts[end]++;
		over |= end == STEP_OVER;
	}
}

#endif
