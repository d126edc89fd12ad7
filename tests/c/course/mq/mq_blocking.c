/* receive sleeps while the queue is empty, send sleeps while it is full; the other side
 * wakes them. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

enum { PLACES = 2 };

static void send_number(mqd_t queue, int number)
{
	check(mq_send(queue, (const char *)&number, sizeof(number), 0), "mq_send");
}

static int receive_number(mqd_t queue)
{
	int number;
	check(mq_receive(queue, (char *)&number, sizeof(number), NULL), "mq_receive");
	return number;
}

int main(void)
{
	begin();
	struct name name = own_name("blocking");
	struct mq_attr attributes = { .mq_maxmsg = PLACES, .mq_msgsize = sizeof(int) };
	mqd_t queue = (mqd_t)check(mq_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes),
				   "mq_open");
	check(mq_unlink(name.text), "mq_unlink");

	pid_t receiver = fork_child();
	if (receiver == 0) {
		printf("receiver: got %d\n", receive_number(queue));
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(receiver);
	printf("the queue is empty, the receiver sleeps; send 1\n");
	fflush(stdout);
	send_number(queue, 1);
	expect_success(receiver);

	for (int i = 2; i < 2 + PLACES; i++)
		send_number(queue, i);
	pid_t sender = fork_child();
	if (sender == 0) {
		send_number(queue, 2 + PLACES);
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(sender);
	printf("the queue is full, the sender sleeps\n");
	printf("receive: %d\n", receive_number(queue));
	expect_success(sender);
	printf("the sender has sent\n");
	for (int i = 0; i < PLACES; i++)
		printf("receive: %d\n", receive_number(queue));
	return EXIT_SUCCESS;
}
