/* A handler that forks while the call it interrupted sleeps. Parent and child return from it. */
#ifndef SUPPORT_FORK_ASLEEP_H
#define SUPPORT_FORK_ASLEEP_H

#include "asleep.h"
#include "child.h"
#include "queue.h"

static struct {
	/* Processes in which the call has returned, and what it gave: its result, or -errno. */
	atomic_int returned;
	int result[8];
	atomic_int children;
	pid_t child[8];
} *both;

static inline void fork_here(int signal)
{
	(void)signal;
	int error = errno;
	pid_t child = make_child();
	CHECK_OK(child);
	if (child > 0)
		both->child[atomic_fetch_add(&both->children, 1)] = child;
	else
		is_child = 1;
	errno = error;
}

/* One that sleeps in `call`; its handler forks. */
static inline pid_t start_sleeper(int (*call)(void), int flags)
{
	both = both ? both : shared_memory(sizeof *both);
	atomic_store(&both->returned, 0);
	atomic_store(&both->children, 0);
	pid_t sleeper = check_fork();
	if (sleeper == 0) {
		struct sigaction action = { .sa_handler = fork_here, .sa_flags = flags };
		CHECK_OK(sigaction(SIGUSR1, &action, NULL));
		int result = call();
		int value = result == -1 ? -errno : result;
		both->result[atomic_fetch_add(&both->returned, 1)] = value;
		/* No other code waits for the child. */
		while (!is_child && wait(NULL) != -1)
			;
		_exit(0);
	}
	queue_await_asleep(sleeper);
	return sleeper;
}

/* Strikes it; when this returns both sleep again, unless the signal ends the call. */
static inline void fork_sleeper(pid_t sleeper, bool sleeps_on)
{
	int before = atomic_load(&both->children);
	CHECK_OK(kill(sleeper, SIGUSR1));
	CHECK_SOON(atomic_load(&both->children) == before + 1);
	if (!sleeps_on)
		return;
	queue_await_asleep(sleeper);
	queue_await_asleep(both->child[before]);
}

/* So many processes return, each with this. */
static inline void all_return(pid_t sleeper, int count, int value)
{
	CHECK_SOON(atomic_load(&both->returned) == count);
	for (int i = 0; i < count; i++)
		CHECK_EQ(both->result[i], value);
	check_child(sleeper);
}

#endif
