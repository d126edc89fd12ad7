/* A handler that forks, at any time: the child calls the library, and ends. */
#ifndef SUPPORT_FORKING_H
#define SUPPORT_FORKING_H

#include <signal.h>
#include <time.h>
#include "check.h"

enum { FORKS = 100 };

static volatile int forked;
static timer_t fork_timer;
static void (*in_forked_child)(void);

static inline void fork_again_soon(void)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 700000 + forked * 13000 } };
	CHECK_OK(timer_settime(fork_timer, 0, &soon, NULL));
}

static inline void fork_in_handler(int signal)
{
	(void)signal;
	int error = errno;
	pid_t child = check_fork();
	if (child == 0) {
		in_forked_child();
		_exit(0);
	}
	check_child(child);
	/* From here on: so the calls get on, however slow a fork is. */
	if (++forked < FORKS)
		fork_again_soon();
	errno = error;
}

/* Makes the calls again and again, until a handler has forked in them often enough. */
static inline void with_forks_in(void (*calls)(void), void (*child)(void))
{
	struct sigaction action = { .sa_handler = fork_in_handler, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	in_forked_child = child;
	calls();
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &fork_timer));
	fork_again_soon();
	while (forked < FORKS)
		calls();
}

#endif
