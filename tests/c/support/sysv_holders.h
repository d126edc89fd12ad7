/* Processes that hold something with SEM_UNDO, and end in one of many ways. */
#ifndef SUPPORT_SYSV_HOLDERS_H
#define SUPPORT_SYSV_HOLDERS_H

#include <sys/syscall.h>
#include "sysv_sleepers.h"

/* What the holder does in the end. The last ones are done to it. */
enum holder_end { HOLDS, EXITS, EXITS_AT_ONCE, EXITS_GROUP, ABORTS, CRASHES, TERMINATED, KILLED };

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
	default:
		break;
	}
	_exit(0);
}

/* Reports to hold it, and waits for its end. */
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

/* A child that has done these operations, and lives on. */
__attribute__((unused)) static struct holder *holder_of(int set, const struct sembuf *ops,
							size_t count)
{
	struct holder *self = common_memory(sizeof *self);
	/* The memory is the child's as well: its 0 must not get there. */
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(semop(set, (struct sembuf *)ops, count));
		hold_until_told(self);
	}
	self->pid = pid;
	await_ready(self);
	return self;
}

#define HOLDER(set, ...) holder_of(set, OPS(__VA_ARGS__))

/* Ends the holder, and waits for it. */
__attribute__((unused)) static void end_holder(struct holder *self, enum holder_end end)
{
	CHECK(self->pid > 0);
	if (end == TERMINATED || end == KILLED)
		CHECK_OK(kill(self->pid, end == KILLED ? SIGKILL : SIGTERM));
	else
		__atomic_store_n(&self->end, end, __ATOMIC_RELEASE);
	CHECK_EQ(waitpid(self->pid, NULL, 0), self->pid);
}

#endif
