/* What every program of the course needs beside its subject: an end when a call fails, a bound on
 * its time, child processes, and names of objects that no other run uses. */
#ifndef COURSE_H
#define COURSE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/older.h"

#define HELPER __attribute__((unused)) static

/* No program of the course takes longer; SIGALRM ends one that hangs. */
enum { COURSE_SECONDS = 30 };

/* The first line of each main. */
HELPER void begin(void)
{
	alarm(COURSE_SECONDS);
}

HELPER __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* For the calls that return -1 when they fail: the result, or the end of the program. */
HELPER long check(long result, const char *what)
{
	if (result == -1)
		die(what);
	return result;
}

/* For the pthread_ calls, which return the number of the error instead of setting errno. */
HELPER void check_thread(int error, const char *what)
{
	if (error != 0) {
		errno = error;
		die(what);
	}
}

/* What the last failed call said, as the name in <errno.h>; "no error" when it did not fail. */
HELPER const char *outcome(long result)
{
	return result == -1 ? strerrorname_np(errno) : "no error";
}

HELPER const char *yes_no(int condition)
{
	return condition ? "yes" : "no";
}

/* fork() for children that print: what the parent has printed so far must not be in the child's
 * buffer too, or it would come out twice. Alarms are not inherited, so the child sets its own. */
HELPER pid_t fork_child(void)
{
	fflush(NULL);
	pid_t pid = (pid_t)check(fork(), "fork");
	if (pid == 0)
		begin();
	return pid;
}

/* Waits for a child: its exit status, or, as in a shell, 128 + the number of the signal that ended
 * it. */
HELPER int wait_child(pid_t pid)
{
	int status;
	check(waitpid(pid, &status, 0), "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits for a child that has to succeed; the program ends if it did not. */
HELPER void expect_success(pid_t pid)
{
	int status = wait_child(pid);
	if (status != 0) {
		fprintf(stderr, "process %d ended with status %d\n", (int)pid, status);
		exit(EXIT_FAILURE);
	}
}

/* Waits until a process sleeps in the kernel (state S), which is how one sees from outside that it
 * has got to the call that blocks. */
HELPER void wait_until_asleep(pid_t pid)
{
	char path[64], state;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	do {
		usleep(1000);
		FILE *stat = fopen(path, "r");
		if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
			die(path);
		fclose(stat);
	} while (state != 'S');
}

/* A name for an IPC object: /course-WHAT-PID. Two runs at the same time must not meet in one
 * object. */
struct name {
	char text[64];
};

HELPER struct name own_name(const char *what)
{
	struct name name;
	snprintf(name.text, sizeof(name.text), "/course-%s-%d", what, (int)getpid());
	return name;
}

/* The same for files and FIFOs, in the directory for temporary files. */
HELPER struct name own_path(const char *what)
{
	struct name path;
	snprintf(path.text, sizeof(path.text), "/tmp/course-%s-%d", what, (int)getpid());
	return path;
}

#endif
