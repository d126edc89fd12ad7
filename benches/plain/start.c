/* The start and the end of a program that does nothing, on one processor. Where something is
 * preloaded into this program, it is into that one, too. */
#include <spawn.h>

#include "../support/bench.h"

extern char **environ;

static void start(void *unused)
{
	static char program[] = "/bin/true", *arguments[] = { program, NULL };
	pid_t child;
	int status;
	(void)unused;
	BENCH_NEED(posix_spawn(&child, program, NULL, NULL, arguments, environ) == 0);
	BENCH_NEED(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
	bench_pin(1);
	return bench_report(bench_loop(start, NULL, 1), "sem_post");
}
