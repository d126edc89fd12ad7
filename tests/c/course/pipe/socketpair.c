/* A pair of connected local sockets is a pipe in both directions: what goes in at either end comes
 * out at the other. */
#include "../course.h"

#include <sys/socket.h>

static void transfer(const char *who, int end, const char *text)
{
	char buffer[64];
	check(write(end, text, strlen(text)), "write");
	long count = check(read(end, buffer, sizeof(buffer)), "read");
	printf("%s: I said \"%s\" and heard \"%.*s\"\n", who, text, (int)count, buffer);
}

int main(void)
{
	begin();
	int ends[2];
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	pid_t child = fork_child();
	if (child == 0) {
		close(ends[0]);
		transfer("child", ends[1], "hello from below");
		exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	transfer("parent", ends[0], "hello from above");
	expect_success(child);

	char byte;
	printf("the other end is closed: read returns %ld\n", (long)read(ends[0], &byte, 1));
	printf("a pair over the network: %s\n", outcome(socketpair(AF_INET, SOCK_STREAM, 0, ends)));
	return EXIT_SUCCESS;
}
