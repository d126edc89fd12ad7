/* A blocked signal waits, and only once however often it was sent; an ignored one is gone; two
 * cannot be blocked, caught or ignored at all. */
#include "../course.h"

#include <signal.h>

static volatile sig_atomic_t caught;

static void count(int number)
{
	(void)number;
	caught++;
}

int main(void)
{
	begin();
	struct sigaction action = { .sa_handler = count };
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");

	sigset_t set, pending;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	check(sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
	for (int i = 0; i < 3; i++)
		kill(getpid(), SIGUSR1);
	check(sigpending(&pending), "sigpending");
	printf("sent 3 times while blocked: handled %d, pending: %s\n", (int)caught,
	       yes_no(sigismember(&pending, SIGUSR1)));
	check(sigprocmask(SIG_UNBLOCK, &set, NULL), "sigprocmask");
	printf("unblocked: handled %d\n", (int)caught);

	action.sa_handler = SIG_IGN;
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");
	kill(getpid(), SIGUSR1);
	printf("sent while ignored: handled %d\n", (int)caught);

	printf("to ignore SIGKILL: %s\n", outcome(sigaction(SIGKILL, &action, NULL)));
	printf("to ignore SIGSTOP: %s\n", outcome(sigaction(SIGSTOP, &action, NULL)));
	return EXIT_SUCCESS;
}
