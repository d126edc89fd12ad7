/* The ways a process ends: by return, exit, _exit, _Exit, or by a signal. Only the first two run
 * the exit procedures (handlers of atexit, flush of stdio); the parent is told the status by all of
 * them. */
#include "../course.h"

#include <signal.h>
#include <sys/resource.h>

static void handler(void)
{
	printf("  the exit handler runs\n");
}

static int by_return(void)
{
	return 10;
}

static int by_exit(void)
{
	exit(11);
}

static int by_underscore_exit(void)
{
	_exit(12);
}

static int by_capital_exit(void)
{
	_Exit(13);
}

/* What a stray pointer leads to, without one: the signal that the kernel would send. */
static int by_segmentation_fault(void)
{
	struct rlimit no_core = { 0, 0 };
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return 0;
}

static const struct {
	const char *name;
	int (*leave)(void);
} forms[] = {
	{ "return from main", by_return },
	{ "exit(11)", by_exit },
	{ "_exit(12)", by_underscore_exit },
	{ "_Exit(13)", by_capital_exit },
	{ "segmentation fault", by_segmentation_fault },
};

int main(void)
{
	begin();
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		printf("%s\n", forms[i].name);
		pid_t child = fork_child();
		if (child == 0) {
			atexit(handler);
			return forms[i].leave();
		}

		int status;
		check(waitpid(child, &status, 0), "waitpid");
		if (WIFEXITED(status))
			printf("  it exited with status %d\n", WEXITSTATUS(status));
		else
			printf("  signal %d (SIG%s) ended it\n", WTERMSIG(status),
			       sigabbrev_np(WTERMSIG(status)));
	}
	return EXIT_SUCCESS;
}
