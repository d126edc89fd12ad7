/* A handler that forks in the middle of a call. Parent and child return from it, and both go on
 * with the call. */
#ifndef SUPPORT_FORK_STRUCK_H
#define SUPPORT_FORK_STRUCK_H

#include "child.h"
#include "struck.h"

/* The child goes on when its parent has returned: what it stores then comes late. */
static bool child_is_late;

static inline void fork_once(int signal)
{
	(void)signal;
	int error = errno;
	if (struck_read(&struck->handled) > 0)
		return;
	struck_add(&struck->handled);
	pid_t child = make_child();
	CHECK_OK(child);
	is_child = child == 0;
	if (!is_child)
		struck->child = child;
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (is_child && child_is_late && struck_read(&struck->done) == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	errno = error;
}

/* To be called by the victim, once it has rehearsed its call. */
static inline void struck_forks(void)
{
	pid_t child = make_child();
	if (child == 0)
		_exit(0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	struck_by(fork_once, SA_RESTART);
}

/* To be called with the result of the call: the child ends. */
static inline void struck_returned_in_both(bool succeeded)
{
	struck_returned(succeeded);
	if (is_child)
		_exit(0);
}

/* Both have returned, and succeeded. The victim ends. */
static inline void both_return(pid_t victim)
{
	CHECK_SOON(struck_read(&struck->done) == 2);
	CHECK_EQ(struck->error, 0);
	step_kill(victim);
}

#endif
