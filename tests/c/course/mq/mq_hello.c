/* One process sends, another receives. Unlike a pipe, a queue keeps messages apart: each receive
 * gives exactly what one send put in.
 *
 *   mq_hello                 both sides, in two processes
 *   mq_hello send NAME TEXT  sends TEXT to the queue NAME, which it makes if need be
 *   mq_hello receive NAME    receives one message, and shows it
 */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

enum { MESSAGE_SIZE = 100 };

static mqd_t open_queue(const char *name, int flags)
{
	struct mq_attr attributes = { .mq_maxmsg = 10, .mq_msgsize = MESSAGE_SIZE };
	return (mqd_t)check(mq_open(name, flags, 0600, &attributes), "mq_open");
}

static void send_text(mqd_t queue, const char *text)
{
	check(mq_send(queue, text, strlen(text), 0), "mq_send");
}

static void receive_text(mqd_t queue)
{
	char buffer[MESSAGE_SIZE];
	long count = check(mq_receive(queue, buffer, sizeof(buffer), NULL), "mq_receive");
	printf("%2ld bytes: \"%.*s\"\n", count, (int)count, buffer);
}

static void both_sides(const char *name)
{
	mqd_t queue = open_queue(name, O_CREAT | O_EXCL | O_WRONLY);
	pid_t receiver = fork_child();
	if (receiver == 0) {
		mqd_t end = open_queue(name, O_RDONLY);
		for (int i = 0; i < 4; i++)
			receive_text(end);
		exit(EXIT_SUCCESS);
	}
	send_text(queue, "hello world");
	send_text(queue, "");
	send_text(queue, "two sends are");
	send_text(queue, "two messages");
	expect_success(receiver);
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name), "mq_unlink");
}

int main(int argc, char **argv)
{
	begin();
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		send_text(open_queue(argv[2], O_CREAT | O_WRONLY), argv[3]);
	else if (argc == 3 && strcmp(argv[1], "receive") == 0)
		receive_text(open_queue(argv[2], O_CREAT | O_RDONLY));
	else
		both_sides(own_name("hello").text);
	return EXIT_SUCCESS;
}
