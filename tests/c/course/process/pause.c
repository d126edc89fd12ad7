/* pause sleeps until a signal comes. It returns when a handler has run, and never when the signal's
 * default action is to end the process. */
#include "../course.h"

#include <signal.h>

static void wake(int number)
{
	(void)number;
}

static int sleeper(int with_handler)
{
	if (with_handler)
		signal(SIGUSR1, wake);
	long result = pause();
	printf("child: pause returned %ld, %s\n", result, outcome(result));
	return EXIT_SUCCESS;
}

static void disturb(const char *title, int with_handler)
{
	printf("%s\n", title);
	pid_t child = fork_child();
	if (child == 0)
		exit(sleeper(with_handler));
	wait_until_asleep(child);
	kill(child, SIGUSR1);

	int status;
	check(waitpid(child, &status, 0), "waitpid");
	if (WIFEXITED(status))
		printf("parent: the child exited with status %d\n", WEXITSTATUS(status));
	else
		printf("parent: the child was ended by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
}

int main(void)
{
	begin();
	disturb("SIGUSR1 with a handler", 1);
	disturb("SIGUSR1 with the default action", 0);
	return EXIT_SUCCESS;
}
