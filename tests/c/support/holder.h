/* Processes that hold something, and end in one of many ways. */
#ifndef SUPPORT_HOLDER_H
#define SUPPORT_HOLDER_H

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common_memory.h"

/* What the holder does in the end. The last ones are done to it. */
enum holder_end {
	HOLDS,
	EXITS,
	EXITS_AT_ONCE,
	EXITS_GROUP,
	ABORTS,
	CRASHES,
	EXECS,
	TERMINATED,
	KILLED
};

struct holder {
	pid_t pid;
	int ready;
	int end;
};

__attribute__((noreturn)) static void holder_ends(enum holder_end end)
{
	signal(SIGABRT, SIG_DFL);
	prctl(PR_SET_DUMPABLE, 0);
	switch (end) {
	case EXITS:
		exit(0);
	case EXITS_GROUP:
		syscall(SYS_exit_group, 0);
		break;
	case ABORTS:
		abort();
	case CRASHES:
		raise(SIGSEGV);
		break;
	case EXECS:
		execl("/bin/sleep", "sleep", "1000", NULL);
		break;
	default:
		break;
	}
	_exit(0);
}

/* In the child: reports to hold it, and waits for its end. */
__attribute__((noreturn, unused)) static void hold_until_told(struct holder *self)
{
	__atomic_store_n(&self->ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		int end = __atomic_load_n(&self->end, __ATOMIC_ACQUIRE);
		if (end != HOLDS)
			holder_ends((enum holder_end)end);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

__attribute__((unused)) static void await_ready(struct holder *self)
{
	CHECK_SOON(__atomic_load_n(&self->ready, __ATOMIC_ACQUIRE));
}

/* In the parent: the child of this pid holds it. The memory is the child's as well, which has 0 for
 * its pid: that must not get there. */
__attribute__((unused)) static struct holder *await_holder(struct holder *self, pid_t pid)
{
	self->pid = pid;
	await_ready(self);
	return self;
}

/* Ends the holder. Waits for its end, except after an exec. */
__attribute__((unused)) static void end_holder(struct holder *self, enum holder_end end)
{
	CHECK(self->pid > 0);
	if (end == TERMINATED || end == KILLED)
		CHECK_OK(kill(self->pid, end == KILLED ? SIGKILL : SIGTERM));
	else
		__atomic_store_n(&self->end, end, __ATOMIC_RELEASE);
	if (end != EXECS)
		CHECK_EQ(waitpid(self->pid, NULL, 0), self->pid);
}

#endif
