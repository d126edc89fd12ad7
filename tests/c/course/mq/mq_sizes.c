/* A message is received whole or not at all: the buffer must have space for the largest the queue
 * allows, however short the message is. Nothing larger can be sent, and nothing at all is a message
 * as well. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

enum { LARGEST = 32 };

int main(void)
{
	begin();
	struct name name = own_name("sizes");
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = LARGEST };
	mqd_t queue = (mqd_t)check(mq_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes),
				   "mq_open");
	check(mq_unlink(name.text), "mq_unlink");

	char message[LARGEST + 1], buffer[LARGEST];
	memset(message, 'm', sizeof(message));
	printf("send %d bytes: %s\n", LARGEST, outcome(mq_send(queue, message, LARGEST, 0)));
	printf("send %d bytes: %s\n", LARGEST + 1,
	       outcome(mq_send(queue, message, LARGEST + 1, 0)));
	printf("send 3 bytes: %s\n", outcome(mq_send(queue, message, 3, 0)));
	printf("send 0 bytes: %s\n", outcome(mq_send(queue, message, 0, 0)));

	printf("receive into %d bytes: %s\n", LARGEST - 1,
	       outcome(mq_receive(queue, buffer, LARGEST - 1, NULL)));
	check(mq_getattr(queue, &attributes), "mq_getattr");
	printf("that took nothing: %ld messages\n", attributes.mq_curmsgs);
	for (long left = attributes.mq_curmsgs; left > 0; left--)
		printf("receive into %d bytes: got %ld\n", LARGEST,
		       (long)mq_receive(queue, buffer, LARGEST, NULL));
	return EXIT_SUCCESS;
}
