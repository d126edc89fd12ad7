/* A process with the number of one that has ended. */
#ifndef SUPPORT_SAME_PID_H
#define SUPPORT_SAME_PID_H

#include <stdint.h>
#include <sys/syscall.h>
#include "check.h"

/* struct clone_args of Linux 5.5, which old headers do not have. */
struct clone_with_pid {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size;
};

/* fork(2), for a child with this number, which is free. -1 where that is not to be had: it needs a
 * privilege, and another process may have been faster. */
__attribute__((unused)) static pid_t fork_as(pid_t pid)
{
	struct clone_with_pid args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	fflush(NULL);
	pid_t child = (pid_t)syscall(435 /* clone3 */, &args, sizeof args);
	if (child == 0)
		check_end_some_day();
	return child;
}

__attribute__((unused)) static void kill_and_reap(pid_t pid)
{
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

#endif
