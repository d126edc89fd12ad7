/* What a shell does for `ls DIRECTORY | wc -l`: one pipe, two children, dup2 to put its ends where
 * the programs look for standard input and output.
 *
 *   pipe_filters [DIRECTORY]   without one, a directory with three files is made
 */
#include "../course.h"

#include <fcntl.h>
#include <sys/stat.h>

static void make_directory(const char *directory, int remove)
{
	if (!remove)
		check(mkdir(directory, 0700), directory);
	for (int i = 0; i < 3; i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s/file%d", directory, i);
		if (remove)
			check(unlink(path), path);
		else
			close((int)check(open(path, O_CREAT | O_EXCL | O_WRONLY, 0600), path));
	}
	if (remove)
		check(rmdir(directory), directory);
}

/* Starts a program with one of its standard descriptors replaced by one end of the pipe. */
static pid_t start(char *const arguments[], int ends[2], int end, int standard)
{
	pid_t child = fork_child();
	if (child == 0) {
		dup2(ends[end], standard);
		close(ends[0]);
		close(ends[1]);
		execvp(arguments[0], arguments);
		die(arguments[0]);
	}
	return child;
}

int main(int argc, char **argv)
{
	begin();
	struct name own = own_path("filters");
	char *directory = argc > 1 ? argv[1] : own.text;
	if (argc == 1)
		make_directory(directory, 0);

	int ends[2];
	check(pipe(ends), "pipe");
	pid_t ls = start((char *[]){ "ls", directory, NULL }, ends, 1, STDOUT_FILENO);
	pid_t wc = start((char *[]){ "wc", "-l", NULL }, ends, 0, STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
	expect_success(ls);
	expect_success(wc);
	printf("that is what ls | wc -l says\n");

	if (argc == 1)
		make_directory(directory, 1);
	return EXIT_SUCCESS;
}
