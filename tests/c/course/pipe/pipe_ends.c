/* Why unused ends have to be closed. A reader sees the end of file only when no write end is open
 * anywhere; a writer learns that there is no reader only when no read end is. */
#include "../course.h"

#include <fcntl.h>
#include <signal.h>

static void reader_side(void)
{
	int ends[2];
	check(pipe2(ends, O_NONBLOCK), "pipe2");
	char byte;
	printf("empty, a write end is open: read gives %s\n", outcome(read(ends[0], &byte, 1)));
	close(ends[1]);
	printf("empty, no write end is open: read returns %ld\n", (long)read(ends[0], &byte, 1));
	close(ends[0]);
}

static void writer_side(void)
{
	int ends[2];
	check(pipe(ends), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		/* Both copies of the read end have to go, the parent's and this one. */
		close(ends[0]);
		check(write(ends[1], "x", 1), "write");
		exit(EXIT_SUCCESS);
	}
	printf("the parent still reads: the child that writes leaves with %d\n", wait_child(child));
	close(ends[0]);

	child = fork_child();
	if (child == 0) {
		check(write(ends[1], "x", 1), "write");
		exit(EXIT_SUCCESS);
	}
	int status = wait_child(child);
	printf("no reader: the child is ended by SIG%s\n", sigabbrev_np(status - 128));

	signal(SIGPIPE, SIG_IGN);
	printf("no reader, SIGPIPE ignored: write gives %s\n", outcome(write(ends[1], "x", 1)));
	close(ends[1]);
}

int main(void)
{
	begin();
	reader_side();
	writer_side();
	return EXIT_SUCCESS;
}
