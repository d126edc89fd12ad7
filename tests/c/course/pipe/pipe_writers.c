/* Several writers on one pipe: what is written by one call of at most PIPE_BUF bytes stays
 * together, so lines of different writers never mix. Their order is up to the scheduler. */
#include "../course.h"

#include <limits.h>

enum { WRITERS = 4, LINES = 200, LENGTH = 1000 };

static void write_lines(int end, int writer)
{
	char line[LENGTH];
	memset(line, 'A' + writer, sizeof(line));
	line[LENGTH - 1] = '\n';
	for (int i = 0; i < LINES; i++)
		check(write(end, line, sizeof(line)), "write");
}

static int is_whole(const char *line)
{
	for (int i = 1; i < LENGTH - 1; i++)
		if (line[i] != line[0])
			return 0;
	return line[LENGTH - 1] == '\n';
}

int main(void)
{
	begin();
	_Static_assert(LENGTH <= PIPE_BUF, "one line is one atomic write");
	int ends[2];
	check(pipe(ends), "pipe");
	pid_t writers[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		if ((writers[i] = fork_child()) == 0) {
			write_lines(ends[1], i);
			exit(EXIT_SUCCESS);
		}
	close(ends[1]);

	int counts[WRITERS] = { 0 }, torn = 0;
	FILE *input = fdopen(ends[0], "r");
	char line[LENGTH];
	while (fread(line, sizeof(line), 1, input) == 1) {
		if (is_whole(line))
			counts[line[0] - 'A']++;
		else
			torn++;
	}
	for (int i = 0; i < WRITERS; i++) {
		expect_success(writers[i]);
		printf("writer %c: %d lines\n", 'A' + i, counts[i]);
	}
	printf("torn lines: %d\n", torn);
	return EXIT_SUCCESS;
}
