/* Whether a thread sleeps. */
#ifndef SUPPORT_ASLEEP_H
#define SUPPORT_ASLEEP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* What the kernel says of the thread: R runs, S sleeps, T is stopped, Z is a zombie, 0 is gone. */
__attribute__((unused)) static char state_of(pid_t pid, pid_t tid)
{
	char path[64], stat[256] = "";
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t length = fread(stat, 1, sizeof stat - 1, file);
	fclose(file);
	stat[length] = 0;
	const char *after_command = strrchr(stat, ')');
	return after_command && after_command[1] == ' ' ? after_command[2] : 0;
}

/* The number of the calling process in /proc, which may be that of another PID namespace. */
__attribute__((unused)) static pid_t number_in_proc(void)
{
	char number[16] = "";
	return readlink("/proc/self", number, sizeof number - 1) > 0 ? atoi(number) : -1;
}

/* Whether the thread sleeps in the kernel. The numbers are those of /proc. */
__attribute__((unused)) static int asleep(pid_t pid, pid_t tid)
{
	return state_of(pid, tid) == 'S';
}

#endif
