/* Looks for a set that is not there, between two calls of getppid(2), which divide the trace, in a
 * directory in which nothing else happens. Then another process makes the set, and removes it.
 * Prints "done". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/must.h"

enum { LOOKS = 100 };

static const key_t key = 0x7a617274;

static int is_missing(void)
{
	return semget(key, 1, 0600) == -1 && errno == ENOENT;
}

static long long ms(struct timespec time)
{
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* Until the last change of the directory is so old that no other one can have the same time. */
static void wait_for_quiet(const char *directory)
{
	struct timespec now;
	struct stat found;
	for (long long end = 0;;) {
		MUST(stat(directory, &found) == 0);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if (ms(now) - ms(found.st_ctim) > 200)
			return;
		if (end == 0)
			end = ms(now) + 20000;
		MUST(ms(now) < end);
	}
}

static void in_child(void (*act)(void))
{
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		act();
		_exit(0);
	}
	int status;
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

static void make(void)
{
	MUST(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600) != -1);
}

static void take_away(void)
{
	MUST(semctl(semget(key, 1, 0600), 0, IPC_RMID) == 0);
}

int main(void)
{
	const char *directory = getenv("RSIPC_DIR");
	MUST(directory);
	wait_for_quiet(directory);
	MUST(is_missing());
	getppid();
	for (int i = 0; i < LOOKS; i++)
		MUST(is_missing());
	getppid();
	for (int i = 0; i < 3; i++) {
		in_child(make);
		MUST(semget(key, 1, 0600) != -1);
		in_child(take_away);
		MUST(is_missing());
		wait_for_quiet(directory);
		MUST(is_missing() && is_missing());
	}
	puts("done");
	return 0;
}
