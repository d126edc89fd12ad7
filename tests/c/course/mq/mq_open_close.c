/* A queue is made and found by name with mq_open; closing gives up the descriptor and leaves the
 * queue, with its messages, for the process that opens it later. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

static mqd_t attempt(const char *title, const char *name, int flags)
{
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	mqd_t queue = mq_open(name, flags, 0600, &attributes);
	printf("%-36s %s\n", title, outcome(queue));
	return queue;
}

int main(void)
{
	begin();
	struct name name = own_name("open_close");
	attempt("no queue, no O_CREAT", name.text, O_RDWR);
	mqd_t queue = attempt("O_CREAT and O_EXCL, for writing", name.text,
			      O_CREAT | O_EXCL | O_WRONLY);
	attempt("O_CREAT and O_EXCL, it is there", name.text, O_CREAT | O_EXCL | O_WRONLY);

	char buffer[64];
	printf("send: %s\n", outcome(mq_send(queue, "left behind", 12, 0)));
	printf("receive, open for writing only: %s\n",
	       outcome(mq_receive(queue, buffer, sizeof(buffer), NULL)));
	printf("close: %s\n", outcome(mq_close(queue)));
	printf("send after close: %s\n", outcome(mq_send(queue, "x", 1, 0)));

	pid_t child = fork_child();
	if (child == 0) {
		mqd_t found = attempt("another process opens it for reading", name.text, O_RDONLY);
		long count = check(mq_receive(found, buffer, sizeof(buffer), NULL), "mq_receive");
		printf("it receives %ld bytes: \"%s\"\n", count, buffer);
		printf("send, open for reading only: %s\n", outcome(mq_send(found, "x", 1, 0)));
		exit(EXIT_SUCCESS);
	}
	expect_success(child);

	printf("unlink: %s\n", outcome(mq_unlink(name.text)));
	attempt("no slash in front of the name", name.text + 1, O_CREAT | O_RDWR);
	attempt("nothing but a slash", "/", O_CREAT | O_RDWR);
	attempt("a slash in the middle", "/course/queue", O_CREAT | O_RDWR);
	return EXIT_SUCCESS;
}
