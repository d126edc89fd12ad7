/* Where does "Hello" go when the process ends? Four endings, each tried as on a terminal (flushed
 * at the end of a line) and as into a file or a pipe (flushed when the buffer is full). The parent
 * holds the other end of a pipe and tells what arrived. */
#include "../course.h"

static void hello_exit(void)
{
	printf("Hello");
	exit(0);
}

static void hello_underscore_exit(void)
{
	printf("Hello");
	_exit(0);
}

static void hello_newline_underscore_exit(void)
{
	printf("Hello\n");
	_exit(0);
}

static void hello_fflush_underscore_exit(void)
{
	printf("Hello");
	fflush(stdout);
	_exit(0);
}

static const struct {
	const char *name;
	void (*end)(void);
} endings[4] = {
	{ "printf(\"Hello\"), exit", hello_exit },
	{ "printf(\"Hello\"), _exit", hello_underscore_exit },
	{ "printf(\"Hello\\n\"), _exit", hello_newline_underscore_exit },
	{ "printf(\"Hello\"), fflush, _exit", hello_fflush_underscore_exit },
};

/* Runs one ending in a child whose standard output is a pipe: the number of bytes that came
 * through. */
static long bytes_arrived(void (*end)(void), int buffering)
{
	int ends[2];
	check(pipe(ends), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		setvbuf(stdout, NULL, buffering, BUFSIZ);
		end();
	}
	close(ends[1]);
	expect_success(child);

	char buffer[64];
	long count = check(read(ends[0], buffer, sizeof(buffer)), "read");
	close(ends[0]);
	return count;
}

int main(void)
{
	begin();
	/* setvbuf must come before the first output on a stream, so nothing is printed until all is
	 * known. */
	long terminal[4], file[4];
	for (int i = 0; i < 4; i++) {
		terminal[i] = bytes_arrived(endings[i].end, _IOLBF);
		file[i] = bytes_arrived(endings[i].end, _IOFBF);
	}
	printf("%-32s %8s %8s\n", "bytes that arrive", "terminal", "file");
	for (int i = 0; i < 4; i++)
		printf("%-32s %8ld %8ld\n", endings[i].name, terminal[i], file[i]);
	return EXIT_SUCCESS;
}
