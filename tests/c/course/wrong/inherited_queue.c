/* A child inherits the descriptor of a queue that it has nothing to do with, and never closes it.
 * The others have closed the queue and removed its name, and it is still there. */
#include "pair.h"

#include <fcntl.h>
#include <mqueue.h>

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct name name = own_name("inherited");
	mqd_t queue = mq_open(name.text, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
	check(queue, "mq_open");
	int gate[2];
	check(pipe(gate), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		char byte;
		close(gate[1]);
		blame(name.text, getpid());
		if (is_right)
			check(mq_close(queue), "mq_close");
		/* Its own work, until the parent has done with the queue. */
		check(read(gate[0], &byte, 1), "read");
		exit(EXIT_SUCCESS);
	}
	close(gate[0]);
	check(mq_send(queue, "one", 3, 0), "mq_send");
	char buffer[8192];
	check(mq_receive(queue, buffer, sizeof(buffer), NULL), "mq_receive");
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
	close(gate[1]);
	expect_success(child);
	return EXIT_SUCCESS;
}
