/* With O_NONBLOCK a full or an empty queue is EAGAIN, which is how one empties a queue without
 * being caught in the last receive. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

int main(void)
{
	begin();
	struct name name = own_name("nonblocking");
	struct mq_attr attributes = { .mq_maxmsg = 5, .mq_msgsize = sizeof(int) };
	int flags = O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK;
	mqd_t queue = (mqd_t)check(mq_open(name.text, flags, 0600, &attributes), "mq_open");

	int number;
	printf("receive from the empty queue: %s\n",
	       outcome(mq_receive(queue, (char *)&number, sizeof(number), NULL)));
	for (number = 0; mq_send(queue, (const char *)&number, sizeof(number), 0) == 0; number++)
		continue;
	printf("send %d: %s\n", number, outcome(-1));

	printf("drain:");
	while (mq_receive(queue, (char *)&number, sizeof(number), NULL) != -1)
		printf(" %d", number);
	printf(", then %s\n", outcome(-1));

	/* The flag belongs to the open descriptor: another one of the same queue blocks. */
	mqd_t blocking = (mqd_t)check(mq_open(name.text, O_RDWR), "mq_open");
	check(mq_unlink(name.text), "mq_unlink");
	pid_t child = fork_child();
	if (child == 0) {
		check(mq_receive(blocking, (char *)&number, sizeof(number), NULL), "mq_receive");
		printf("a child on another descriptor waited for %d\n", number);
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	number = 7;
	check(mq_send(queue, (const char *)&number, sizeof(number), 0), "mq_send");
	expect_success(child);
	return EXIT_SUCCESS;
}
