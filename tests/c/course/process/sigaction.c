/* sigaction says what signal() leaves open: whether an interrupted call goes on (SA_RESTART) or
 * fails with EINTR, and which signals are held back while the handler runs (sa_mask). It also tells
 * what was set before. */
#include "../course.h"

#include <signal.h>

static volatile sig_atomic_t caught;
static volatile sig_atomic_t inside, nested;

static void count(int number)
{
	(void)number;
	caught++;
}

static void outer(int number)
{
	(void)number;
	inside = 1;
	raise(SIGUSR2);
	inside = 0;
}

static void inner(int number)
{
	(void)number;
	nested = inside;
}

static void set(int number, void (*handler)(int), int flags, int held_back)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	sigemptyset(&action.sa_mask);
	if (held_back != 0)
		sigaddset(&action.sa_mask, held_back);
	check(sigaction(number, &action, NULL), "sigaction");
}

/* Reads from a pipe; a child waits until the reader sleeps, sends the signal, and, if the call is
 * to go on, something to read. */
static void interrupted_read(int flags)
{
	int ends[2];
	check(pipe(ends), "pipe");
	set(SIGUSR1, count, flags, 0);
	caught = 0;
	pid_t reader = getpid();
	pid_t child = fork_child();
	if (child == 0) {
		wait_until_asleep(reader);
		kill(reader, SIGUSR1);
		if (flags & SA_RESTART)
			check(write(ends[1], "x", 1), "write");
		exit(EXIT_SUCCESS);
	}
	char byte;
	long result = read(ends[0], &byte, 1);
	printf("  read returned %ld, %s; the handler ran %d time\n", result, outcome(result),
	       (int)caught);
	expect_success(child);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	begin();
	printf("a read interrupted by a signal, without SA_RESTART\n");
	interrupted_read(0);
	printf("with SA_RESTART\n");
	interrupted_read(SA_RESTART);

	printf("a second signal raised inside the handler of the first\n");
	set(SIGUSR2, inner, 0, 0);
	set(SIGUSR1, outer, 0, 0);
	raise(SIGUSR1);
	printf("  with an empty mask it runs inside the first: %s\n", yes_no(nested));
	set(SIGUSR1, outer, 0, SIGUSR2);
	raise(SIGUSR1);
	printf("  with the second in the mask it runs inside the first: %s\n", yes_no(nested));

	struct sigaction old;
	check(sigaction(SIGUSR1, NULL, &old), "sigaction");
	printf("sigaction with no new action tells the old: it is ours: %s\n",
	       yes_no(old.sa_handler == outer));
	return EXIT_SUCCESS;
}
