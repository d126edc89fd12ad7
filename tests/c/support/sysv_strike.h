/* A signal that strikes sleepers in semop(2). */
#ifndef SUPPORT_SYSV_STRIKE_H
#define SUPPORT_SYSV_STRIKE_H

#include "handled.h"
#include "sysv_sleepers.h"

static void strike(struct sleeper *sleeper)
{
	if (sleeper->is_process)
		CHECK_OK(kill(sleeper->pid, SIGUSR1));
	else
		CHECK_EQ(pthread_kill(sleeper->thread, SIGUSR1), 0);
}

/* The sleeper's call ends with EINTR and leaves nothing. */
__attribute__((unused)) static void is_interrupted(int set, struct sleeper *sleeper)
{
	strike(sleeper);
	CHECK_EQ(end_of(sleeper), EINTR);
	CHECK_EQ(asleep_in(set), 0);
}

#endif
