/* A FIFO is a pipe with a name in the file system, so processes that are not related can meet in
 * it. open waits for the other side, unless O_NONBLOCK is given.
 *
 *   fifo              both sides, in two processes
 *   fifo write PATH   copies standard input into the FIFO
 *   fifo read PATH    copies the FIFO to standard output
 */
#include "../course.h"

#include <fcntl.h>
#include <sys/stat.h>

static void copy(int from, int to)
{
	char block[4096];
	long count;
	while ((count = check(read(from, block, sizeof(block)), "read")) > 0)
		check(write(to, block, (size_t)count), "write");
}

static void both_sides(const char *path)
{
	struct stat status;
	check(mkfifo(path, 0600), "mkfifo");
	check(stat(path, &status), "stat");
	printf("the file is a FIFO: %s\n", yes_no(S_ISFIFO(status.st_mode)));
	printf("to make it again: %s\n", outcome(mkfifo(path, 0600)));
	printf("mknod with S_IFIFO is the same call: %s\n",
	       outcome(mknod(path, S_IFIFO | 0600, 0)));

	printf("O_NONBLOCK, no reader: open for writing gives %s\n",
	       outcome(open(path, O_WRONLY | O_NONBLOCK)));
	int early = (int)check(open(path, O_RDONLY | O_NONBLOCK), "open");
	printf("O_NONBLOCK, no writer: open for reading succeeds\n");
	close(early);

	pid_t writer = fork_child();
	if (writer == 0) {
		int end = (int)check(open(path, O_WRONLY), "open");
		dprintf(end, "a line through the FIFO\n");
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(writer);
	printf("the writer sleeps in open until there is a reader\n");
	fflush(stdout);
	int end = (int)check(open(path, O_RDONLY), "open");
	copy(end, STDOUT_FILENO);
	expect_success(writer);
	printf("the writer has closed it: end of file\n");

	check(stat(path, &status), "stat");
	printf("what has been read is gone: the size of the file is %ld\n", (long)status.st_size);
	check(unlink(path), "unlink");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "write") == 0) {
		copy(STDIN_FILENO, (int)check(open(argv[2], O_WRONLY), argv[2]));
	} else if (argc == 3 && strcmp(argv[1], "read") == 0) {
		copy((int)check(open(argv[2], O_RDONLY), argv[2]), STDOUT_FILENO);
	} else {
		begin();
		both_sides(own_path("fifo").text);
	}
	return EXIT_SUCCESS;
}
