/* How not to write it: signal() and a handler that does more than it may. A handler runs in the
 * middle of whatever the program was doing, so it may call only what signal-safety(7) lists: write
 * is there, printf is not. This program waits for a line, a child disturbs it with SIGUSR1 first,
 * and the line still comes, because signal() in glibc means "restart the interrupted call".
 * Elsewhere it may not: see sigaction.c. */
#include "../course.h"

#include <signal.h>

static void not_now(int number)
{
	(void)number;
	/* printf would be the mistake: it may be interrupted inside its own lock. */
	static const char text[] = "handler: not now!\n";
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) == -1)
		_exit(EXIT_FAILURE);
}

int main(void)
{
	begin();
	if (signal(SIGUSR1, not_now) == SIG_ERR)
		die("signal");
	int ends[2];
	check(pipe(ends), "pipe");

	printf("give me a line\n");
	pid_t waiting = getpid();
	pid_t child = fork_child();
	if (child == 0) {
		wait_until_asleep(waiting);
		kill(waiting, SIGUSR1);
		dprintf(ends[1], "a line at last\n");
		exit(EXIT_SUCCESS);
	}

	/* fgets with a size; gets, which knows none, has been taken out of C. */
	char line[80];
	FILE *input = fdopen(ends[0], "r");
	if (input == NULL || fgets(line, sizeof(line), input) == NULL)
		die("fgets");
	printf("you gave: %s", line);
	expect_success(child);
	return EXIT_SUCCESS;
}
