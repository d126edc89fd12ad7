/* The attributes of a queue: how many messages of which size are fixed when it is made; how many
 * there are changes with every call; and O_NONBLOCK is all that mq_setattr can set, for one
 * descriptor. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

static void show(const char *title, mqd_t queue)
{
	struct mq_attr attributes;
	check(mq_getattr(queue, &attributes), "mq_getattr");
	printf("%-26s %ld of %ld messages of %ld bytes, %s\n", title, attributes.mq_curmsgs,
	       attributes.mq_maxmsg, attributes.mq_msgsize,
	       attributes.mq_flags & O_NONBLOCK ? "O_NONBLOCK" : "blocking");
}

int main(void)
{
	begin();
	struct name name = own_name("attributes");
	struct mq_attr attributes = { .mq_maxmsg = 3, .mq_msgsize = 16 };
	mqd_t queue = (mqd_t)check(mq_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes),
				   "mq_open");
	show("made with attributes", queue);
	check(mq_send(queue, "one", 3, 0), "mq_send");
	show("after a send", queue);

	/* The sizes are ignored here: only the flag is taken. */
	struct mq_attr wanted = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 99, .mq_msgsize = 99 }, old;
	check(mq_setattr(queue, &wanted, &old), "mq_setattr");
	printf("mq_setattr gives the old ones back: %s\n",
	       yes_no(old.mq_flags == 0 && old.mq_curmsgs == 1));
	show("after mq_setattr", queue);
	wanted.mq_flags = O_APPEND;
	printf("any other flag: %s\n", outcome(mq_setattr(queue, &wanted, NULL)));

	attributes.mq_maxmsg = 9;
	mqd_t second = (mqd_t)check(mq_open(name.text, O_CREAT | O_RDWR, 0600, &attributes),
				    "mq_open");
	show("opened again, asking for 9", second);
	check(mq_unlink(name.text), "mq_unlink");

	attributes.mq_maxmsg = 0;
	printf("a queue for no messages: %s\n",
	       outcome(mq_open(name.text, O_CREAT | O_RDWR, 0600, &attributes)));
	mqd_t plain = (mqd_t)check(mq_open(name.text, O_CREAT | O_RDWR, 0600, NULL), "mq_open");
	show("made without attributes", plain);
	check(mq_unlink(name.text), "mq_unlink");
	return EXIT_SUCCESS;
}
