/* unlink takes the name away at once, and the queue goes when the last descriptor is closed. Until
 * then it works, beside a new queue of the same name. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

static mqd_t create(const char *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	return (mqd_t)check(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes), "mq_open");
}

static void receive(const char *from, mqd_t queue)
{
	char buffer[16];
	check(mq_receive(queue, buffer, sizeof(buffer), NULL), "mq_receive");
	printf("from the %s queue: \"%s\"\n", from, buffer);
}

int main(void)
{
	begin();
	struct name name = own_name("unlink");
	mqd_t old = create(name.text);
	check(mq_send(old, "old message", 12, 0), "mq_send");
	printf("unlink: %s\n", outcome(mq_unlink(name.text)));
	printf("open: %s\n", outcome(mq_open(name.text, O_RDWR)));
	printf("unlink again: %s\n", outcome(mq_unlink(name.text)));

	mqd_t new = create(name.text);
	check(mq_send(new, "new message", 12, 0), "mq_send");
	receive("old", old);
	receive("new", new);

	pid_t child = fork_child();
	if (child == 0) {
		check(mq_send(old, "from a child", 13, 0), "mq_send");
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	receive("old", old);
	check(mq_close(old), "mq_close");
	check(mq_close(new), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
	return EXIT_SUCCESS;
}
