/* A pipe is made before the fork, so that both processes have it. The parent writes a text, the
 * child echoes what it reads until the end of file, which comes when the last write end is closed.
 *
 *   pipe_child [TEXT]
 */
#include "../course.h"

enum { BLOCK = 10 };

int main(int argc, char **argv)
{
	begin();
	const char *text = argc > 1 ? argv[1] : "a text that is longer than one block";
	int ends[2];
	check(pipe(ends), "pipe");

	pid_t child = fork_child();
	if (child == 0) {
		/* Without this the child would wait for itself: it would hold a write end too. */
		close(ends[1]);
		char block[BLOCK];
		long count;
		while ((count = check(read(ends[0], block, sizeof(block)), "read")) > 0)
			printf("child: %2ld bytes \"%.*s\"\n", count, (int)count, block);
		printf("child: end of file\n");
		exit(EXIT_SUCCESS);
	}

	close(ends[0]);
	check(write(ends[1], text, strlen(text)), "write");
	close(ends[1]);
	expect_success(child);
	printf("parent: the child has read all\n");
	return EXIT_SUCCESS;
}
