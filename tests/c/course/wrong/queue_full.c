/* A sender that does not wait (O_NONBLOCK) and does not look at what mq_send says: what finds the
 * queue full is lost. The right one waits for room, and sends it again. */
#include "pair.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>

enum { MESSAGES = 12 };

static void send_all(const char *name)
{
	mqd_t queue = mq_open(name, O_WRONLY | O_NONBLOCK);
	check(queue, "mq_open");
	for (int i = 0; i < MESSAGES; i++) {
		while (mq_send(queue, (const char *)&i, sizeof(i), 0) != 0 && is_right) {
			struct pollfd room = { .fd = queue, .events = POLLOUT };
			check(poll(&room, 1, -1), "poll");
		}
	}
	int end = -1;
	struct mq_attr waits = { .mq_flags = 0 };
	check(mq_setattr(queue, &waits, NULL), "mq_setattr");
	check(mq_send(queue, (const char *)&end, sizeof(end), 0), "mq_send");
	check(mq_close(queue), "mq_close");
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct name name = own_name("full");
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = sizeof(int) };
	mqd_t queue = mq_open(name.text, O_RDONLY | O_CREAT | O_EXCL, 0600, &attributes);
	check(queue, "mq_open");
	pid_t child = fork_child();
	if (child == 0) {
		check(mq_close(queue), "mq_close");
		blame(name.text, getpid());
		send_all(name.text);
		exit(EXIT_SUCCESS);
	}
	/* Nobody receives before the queue is full and the sender waits. */
	wait_until_asleep(child);
	int number, received = 0;
	do
		check(mq_receive(queue, (char *)&number, sizeof(number), NULL), "mq_receive");
	while (number >= 0 && ++received);
	expect_success(child);
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
	if (is_right && received != MESSAGES)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
