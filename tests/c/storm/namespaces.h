/* Two PID namespaces in which the same numbers are given out, one after the other, and children
 * that are born in one or the other. */
#ifndef STORM_NAMESPACES_H
#define STORM_NAMESPACES_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

enum { NAMESPACES = 2 };

/* Exit status of a storm that cannot have them. */
enum { NO_NAMESPACES = 77 };

static struct {
	pid_t inits[NAMESPACES];
	/* Of files below /proc/PID/ns, the last one that of this process. */
	int files[NAMESPACES + 1];
} namespaces;

static int namespaces_open(pid_t process)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)process);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	MUST(file != -1);
	return file;
}

/* The children that follow are born there; NAMESPACES: in the namespace of this process. fork()
 * gives their numbers as they are here. */
static void namespaces_enter(int which)
{
	MUST(setns(namespaces.files[which], CLONE_NEWPID) == 0);
}

/* A process 1 for each: with it a namespace ends. */
static void namespaces_make(void)
{
	namespaces.files[NAMESPACES] = namespaces_open(getpid());
	for (int i = 0; i < NAMESPACES; i++) {
		if (unshare(CLONE_NEWPID) == -1) {
			printf("PID namespaces are refused: %s\n", strerror(errno));
			exit(NO_NAMESPACES);
		}
		namespaces.inits[i] = fork();
		MUST(namespaces.inits[i] != -1);
		if (namespaces.inits[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		namespaces.files[i] = namespaces_open(namespaces.inits[i]);
		namespaces_enter(NAMESPACES);
	}
}

static void namespaces_end(void)
{
	for (int i = 0; i < NAMESPACES; i++) {
		MUST(namespaces.inits[i] > 0 && kill(namespaces.inits[i], SIGKILL) == 0);
		MUST(waitpid(namespaces.inits[i], NULL, 0) == namespaces.inits[i]);
	}
}

#endif
