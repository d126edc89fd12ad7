/* A process that is killed, or stopped, after every number of instructions of one call: ptrace(2)
 * counts them. */
#ifndef SUPPORT_STEP_H
#define SUPPORT_STEP_H

#include <sched.h>
#include <stddef.h>
#include <stdbool.h>
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include "asleep.h"
#include "check.h"

/* How a trial can end, as its exit status. */
enum step_end {
	STEP_EARLY = 100, /* killed before the call had any effect */
	STEP_BETWEEN, /* killed with its effect there, and a thread asleep that should know of it */
	STEP_LATE,    /* killed when all was done */
	STEP_OVER,    /* the call returned before it was killed */
	STEP_ENDS,
};

/* Of the victim: 0 = not there yet, 1 = in the call, 2 = the call has returned. */
static int *step_place;

__attribute__((unused)) static int step_stage(void)
{
	return __atomic_load_n(step_place, __ATOMIC_SEQ_CST);
}

/* For a call that is made somewhere in `call` of step_victim(): it begins here. */
static bool step_begins_later;

__attribute__((unused)) static void step_begin(void)
{
	__atomic_store_n(step_place, 1, __ATOMIC_SEQ_CST);
}

/* The trial and its children run on one processor: where the other side cannot run meanwhile no
 * thread spins, and a spin has many instructions. Neighbours get different ones, also where the
 * PIDs of trials lie an even number apart: by the fractions of the golden ratio. */
__attribute__((unused)) static void step_on_one_processor(void)
{
	cpu_set_t allowed, one;
	CHECK_OK(sched_getaffinity(0, sizeof allowed, &allowed));
	unsigned fraction = (unsigned)getpid() * 2654435769U;
	int left = (int)((unsigned long)fraction * (unsigned)CPU_COUNT(&allowed) >> 32), cpu = 0;
	while (!CPU_ISSET(cpu, &allowed) || left-- > 0)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_OK(sched_setaffinity(0, sizeof one, &one));
}

/* For a thread that is to spin all the same. */
__attribute__((unused)) static void step_on_another_processor(void)
{
	cpu_set_t set;
	memset(&set, 0xff, sizeof set);
	CPU_CLR((unsigned)sched_getcpu(), &set);
	/* There may be no other. */
	sched_setaffinity(0, sizeof set, &set);
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
	for (;;) {
		if (step_on(PTRACE_SYSCALL, victim)) {
			CHECK_EQ(step_stage(), 1);
			continue;
		}
		/* Not for a moment, on its way. */
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		pid_t stopped = waitpid(victim, NULL, WNOHANG);
		CHECK_OK(stopped);
		if (stopped == 0)
			return;
	}
}

/* The victim, stopped just before `call`. `rehearse` makes the same calls elsewhere: addresses of
 * functions are looked up when they are called first. */
__attribute__((unused)) static pid_t step_victim(void (*rehearse)(void), void (*call)(void))
{
	step_place = mmap(NULL, sizeof *step_place, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(step_place != MAP_FAILED);
	pid_t victim = check_fork();
	if (victim == 0) {
		rehearse();
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		if (!step_begins_later)
			step_begin();
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

/* The steps after which a kill leaves something else than one step earlier. Shared by the trials of
 * a case. */
static struct step_changes {
	int count, step[4096];
	/* What others can see of the victim. */
	unsigned long (*seen)(void);
} *step_changes;

/* Instead of a number of steps: go through the whole call, and record the changes. */
enum { STEP_RECORD = -1 };

/* Whether the next instruction is a system call. Where that is not known any may be. */
static int step_is_system_call(pid_t victim)
{
#ifdef __x86_64__
	struct user_regs_struct registers;
	CHECK_OK(ptrace(PTRACE_GETREGS, victim, NULL, &registers));
	errno = 0;
	long code = ptrace(PTRACE_PEEKTEXT, victim, (void *)registers.rip, NULL);
	CHECK_EQ(errno, 0);
	return (code & 0xffff) == 0x050f;
#else
	(void)victim;
	return 1;
#endif
}

/* What the kernel would do for the victim's robust list. */
static unsigned long step_pending(pid_t victim)
{
	struct robust_list_head *head;
	size_t length;
	/* Where it is refused there is none. */
	if (syscall(SYS_get_robust_list, victim, &head, &length) == -1 || !head)
		return 0;
	errno = 0;
	long pending = ptrace(PTRACE_PEEKDATA, victim, &head->list_op_pending, NULL);
	CHECK_EQ(errno, 0);
	return (unsigned long)pending;
}

static int step_record(pid_t victim)
{
	unsigned long seen = 0, pending = 0;
	for (int step = 0; step_stage() == 1; step++) {
		unsigned long seen_now = step_changes->seen(), pending_now = step_pending(victim);
		int called = step_is_system_call(victim);
		if (step == 0 || seen_now != seen || pending_now != pending || called) {
			CHECK(step_changes->count < 4094);
			step_changes->step[step_changes->count++] = step;
			/* And when it has returned. */
			if (called)
				step_changes->step[step_changes->count++] = step + 1;
		}
		seen = seen_now;
		pending = pending_now;
		CHECK(step_one(victim));
	}
	return 0;
}

/* `steps` instructions more, or fewer if the call returns or sleeps; 0 in that case. */
__attribute__((unused)) static int step_many(pid_t victim, int steps)
{
	int in_call = 1;
	if (steps == STEP_RECORD)
		return step_record(victim);
	while (in_call && steps-- > 0)
		in_call = step_one(victim) && step_stage() == 1;
	return in_call;
}

__attribute__((unused)) static void step_kill(pid_t victim)
{
	CHECK_OK(kill(victim, SIGKILL));
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
}

static void step_check_ptrace(void)
{
	int status;
	pid_t tried = check_fork();
	if (tried == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1);
	CHECK_EQ(waitpid(tried, &status, 0), tried);
	if (status != 0)
		CHECK_SKIP("ptrace is refused");
}

static int step_end_of_one(int counts[STEP_ENDS], int steps)
{
	int status;
	CHECK_OK(wait(&status));
	int end = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	if (end < STEP_EARLY || end >= STEP_ENDS)
		check_fail(__FILE__, __LINE__, "a trial of %d steps or fewer failed: status 0x%x",
			   steps, status);
	counts[end]++;
	return end;
}

/* Runs trial(first), trial(first + stride), ... in processes of their own, so many at a time, until
 * one ends with STEP_OVER, and counts how they ended. */
static void step_some_trials(int (*trial)(int steps), int first, int stride, int at_a_time,
			     int counts[STEP_ENDS])
{
	int running = 0, over = 0;
	step_check_ptrace();
	for (int steps = first; !over || running > 0;) {
		if (!over && running < at_a_time) {
			if (check_fork() == 0)
				_exit(trial(steps));
			steps += stride;
			running++;
			continue;
		}
		over |= step_end_of_one(counts, steps) == STEP_OVER;
		running--;
	}
}

/* The same for each number of steps. */
__attribute__((unused)) static void step_trials(int (*trial)(int steps), int at_a_time,
						int counts[STEP_ENDS])
{
	step_some_trials(trial, 0, 1, at_a_time, counts);
}

/* The same, shared with other runs of the case. CHECK_SHARE=K/N in the environment: only every Nth
 * number of steps, from K on. So the ways in which a case is tried on the library take turns. */
__attribute__((unused)) static void step_shared_trials(int (*trial)(int steps), int at_a_time,
						       int counts[STEP_ENDS])
{
	int first = 0, stride = 1;
	const char *share = getenv("CHECK_SHARE");
	CHECK(!share || (sscanf(share, "%d/%d", &first, &stride) == 2 && stride > 0));
	step_some_trials(trial, first, stride, at_a_time, counts);
}

/* The same for the steps that make a difference to others, which see the victim as `seen` tells:
 * for a long call. A trial of STEP_RECORD steps, which finds out, is like one of more steps than
 * the call has. */
__attribute__((unused)) static void step_trials_at_changes(int (*trial)(int steps),
							   unsigned long (*seen)(void),
							   int at_a_time, int counts[STEP_ENDS])
{
	int running = 0;
	step_check_ptrace();
	step_changes = mmap(NULL, sizeof *step_changes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(step_changes != MAP_FAILED);
	step_changes->seen = seen;
	if (check_fork() == 0)
		_exit(trial(STEP_RECORD));
	CHECK_EQ(step_end_of_one(counts, STEP_RECORD), STEP_OVER);
	for (int next = 0; next < step_changes->count || running > 0;) {
		if (next < step_changes->count && running < at_a_time) {
			if (check_fork() == 0)
				_exit(trial(step_changes->step[next]));
			next++;
			running++;
			continue;
		}
		step_end_of_one(counts, next > 0 ? step_changes->step[next - 1] : 0);
		running--;
	}
}

/* For a call whose trials took another number of instructions than when it was recorded, so that
 * none of them was killed near its end: one trial after the other, `stride` instructions apart,
 * until several are over. One may be over as the victim has slept for a moment, as for memory. */
__attribute__((unused)) static void step_trials_by_stride(int (*trial)(int steps), int stride,
							  int counts[STEP_ENDS])
{
	enum { MOST = 2000, SEVERAL = 5 };
	int over = 0;
	for (int more = 0; more < MOST; more++) {
		int steps = more * stride;
		if (check_fork() == 0)
			_exit(trial(steps));
		over = step_end_of_one(counts, steps) == STEP_OVER ? over + 1 : 0;
		if (over == SEVERAL)
			return;
	}
	check_fail(__FILE__, __LINE__, "the call is not over after %d instructions", MOST * stride);
}

#endif
