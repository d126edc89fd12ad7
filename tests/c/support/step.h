/* A process that is killed after every number of instructions of one call: ptrace(2) counts them. */
#ifndef SUPPORT_STEP_H
#define SUPPORT_STEP_H

#include <sched.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include "sem.h"

/* Shared between a trial, its victim and its survivor. */
struct step_ground {
	sem_t sem;
	/* Of the victim: 0 = not there yet, 1 = in the call, 2 = the call has returned. */
	int stage;
	int survived;
};

/* How a trial can end, as its exit status. */
enum step_end {
	STEP_EARLY = 100, /* killed before the call had any effect */
	STEP_BETWEEN,     /* killed with the token there and nobody awake who would take it */
	STEP_LATE,        /* killed when all was done */
	STEP_OVER,        /* the call returned before it was killed */
	STEP_ENDS,
};

__attribute__((unused)) static struct step_ground *step_ground(unsigned value)
{
	struct step_ground *ground = mmap(NULL, sizeof *ground, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(ground != MAP_FAILED);
	CHECK_OK(sem_init(&ground->sem, 1, value));
	/* On one processor, known as that of the last poster, nobody spins: a spin has many instructions. */
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((unsigned)sched_getcpu(), &set);
	CHECK_OK(sched_setaffinity(0, sizeof set, &set));
	CHECK_OK(sem_post(&ground->sem));
	CHECK_OK(sem_trywait(&ground->sem));
	return ground;
}

__attribute__((unused)) static int step_stage(struct step_ground *ground)
{
	return __atomic_load_n(&ground->stage, __ATOMIC_SEQ_CST);
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
__attribute__((unused)) static void step_to_sleep(struct step_ground *ground, pid_t victim)
{
	while (step_on(PTRACE_SYSCALL, victim))
		CHECK_EQ(step_stage(ground), 1);
}

/* The victim, stopped just before the call. Function addresses are looked up by a first call beforehand. */
__attribute__((unused))
static pid_t step_victim(struct step_ground *ground, int (*call)(sem_t *), int (*opposite)(sem_t *))
{
	pid_t victim = check_fork();
	if (victim == 0) {
		sem_t rehearsal;
		CHECK_OK(sem_init(&rehearsal, 1, 1));
		CHECK_OK(call(&rehearsal));
		CHECK_OK(opposite(&rehearsal));
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		__atomic_store_n(&ground->stage, 1, __ATOMIC_SEQ_CST);
		call(&ground->sem);
		__atomic_store_n(&ground->stage, 2, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	int status;
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	CHECK(WIFSTOPPED(status));
	while (step_stage(ground) == 0)
		CHECK(step_one(victim));
	return victim;
}

/* `steps` instructions more, or fewer if the call returns or sleeps; 0 in that case. */
__attribute__((unused)) static int step_many(struct step_ground *ground, pid_t victim, int steps)
{
	while (steps-- > 0)
		if (!step_one(victim) || step_stage(ground) == 2)
			return 0;
	return 1;
}

__attribute__((unused)) static void step_kill(pid_t victim)
{
	CHECK_OK(kill(victim, SIGKILL));
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
}

/* One who waits for a token once. Returns when it is asleep. */
__attribute__((unused)) static pid_t step_survivor(struct step_ground *ground)
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

__attribute__((unused)) static int step_survived(struct step_ground *ground)
{
	return __atomic_load_n(&ground->survived, __ATOMIC_SEQ_CST);
}

/* Runs trial(0), trial(1), ... in processes of their own, some at a time, until one ends with STEP_OVER, and
 * counts how they ended. */
__attribute__((unused)) static void step_trials(int (*trial)(int steps), int counts[STEP_ENDS])
{
	enum { AT_A_TIME = 16 };
	int running = 0, over = 0;
	pid_t tried = check_fork();
	if (tried == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1);
	int status;
	CHECK_EQ(waitpid(tried, &status, 0), tried);
	if (status != 0)
		CHECK_SKIP("ptrace is refused");
	for (int steps = 0; !over || running > 0;) {
		if (!over && running < AT_A_TIME) {
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
