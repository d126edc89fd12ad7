/* A message with a higher priority overtakes those with a lower one; among equals the first in is
 * the first out. 0 is the lowest, and receive tells which one it was. */
#include "../course.h"

#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>

static const struct {
	const char *text;
	unsigned priority;
} messages[] = {
	{ "sweep the floor", 0 }, { "answer the letter", 5 },	{ "water the plants", 0 },
	{ "fire!", 31 },	  { "answer the phone", 5 },	{ "read the letter", 5 },
};
enum { COUNT = sizeof(messages) / sizeof(messages[0]) };

int main(void)
{
	begin();
	struct name name = own_name("priorities");
	struct mq_attr attributes = { .mq_maxmsg = COUNT, .mq_msgsize = 32 };
	mqd_t queue = (mqd_t)check(mq_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes),
				   "mq_open");
	check(mq_unlink(name.text), "mq_unlink");

	for (int i = 0; i < COUNT; i++) {
		printf("send    %2u %s\n", messages[i].priority, messages[i].text);
		check(mq_send(queue, messages[i].text, strlen(messages[i].text) + 1,
			      messages[i].priority),
		      "mq_send");
	}
	for (int i = 0; i < COUNT; i++) {
		char buffer[32];
		unsigned priority;
		check(mq_receive(queue, buffer, sizeof(buffer), &priority), "mq_receive");
		printf("receive %2u %s\n", priority, buffer);
	}

	unsigned limit = (unsigned)sysconf(_SC_MQ_PRIO_MAX);
	printf("there are at least 32 priorities: %s\n", yes_no(limit >= 32));
	printf("the largest: %s\n", outcome(mq_send(queue, "x", 1, limit - 1)));
	printf("one more: %s\n", outcome(mq_send(queue, "x", 1, limit)));
	return EXIT_SUCCESS;
}
