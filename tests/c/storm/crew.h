/* The processes of a storm. The first SURVIVORS of the WORKERS live through it; the others are
 * killed, and new ones take their places. Both numbers are defined by the file that includes
 * this. */
#ifndef CREW_H
#define CREW_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

static pid_t workers[WORKERS];
static unsigned kills;

/* fork(2), for a child that does not outlive its parent. */
static inline pid_t fork_worker(void)
{
	pid_t parent = getpid(), pid = fork();
	MUST(pid != -1);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The parent may have ended before that. In another PID namespace it is 0. */
		if (getppid() != parent && getppid() != 0)
			_exit(1);
	}
	return pid;
}

static inline void strike(int worker)
{
	MUST(workers[worker] > 0 && kill(workers[worker], SIGKILL) == 0);
}

/* The status with which one has ended. */
static inline int bury(int worker)
{
	int status;
	MUST(waitpid(workers[worker], &status, 0) == workers[worker]);
	workers[worker] = 0;
	return status;
}

/* One that was struck. A worker that had found something wrong has ended by itself, and said so. */
static inline void bury_killed(int worker)
{
	int status = bury(worker);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kills++;
}

/* For how many milliseconds this survivor has not counted on, since its first count. */
static inline long stall_of(int survivor, unsigned long count)
{
	static unsigned long seen[SURVIVORS];
	static long moved[SURVIVORS];
	if (count != seen[survivor] || count == 0)
		moved[survivor] = now_ms();
	seen[survivor] = count;
	return now_ms() - moved[survivor];
}

#endif
