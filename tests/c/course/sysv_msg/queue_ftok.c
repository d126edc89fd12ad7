/* Two programs that have nothing in common but the name of a file: ftok(3) makes the same key of it
 * for both, and msgget(2) finds the same queue by that key. By hand, on two terminals, with a file
 * that both can see:
 *
 *   ./queue_ftok receive FILE
 *   ./queue_ftok send FILE */
#include "queue.h"

static int queue_of(const char *path)
{
	key_t key = (key_t)check(ftok(path, 'Q'), path);
	return (int)check(msgget(key, IPC_CREAT | 0600), "msgget");
}

static void send_lines(const char *path)
{
	int queue = queue_of(path);
	send(queue, 1, "the first line");
	send(queue, 1, "the second line");
	send(queue, 2, "");
}

/* Until the end, which is a message of another type. */
static void receive_lines(const char *path)
{
	int queue = queue_of(path);
	for (struct message message; (message = receive(queue, 0, 0)).type == 1;)
		printf("received: %s\n", message.text);
	remove_queue(queue);
}

static void compare_keys(const char *path, const char *other)
{
	key_t key = ftok(path, 'Q');
	printf("same file, same letter: %s\n", yes_no(key == ftok(path, 'Q')));
	printf("same file, other letter: %s\n", yes_no(key == ftok(path, 'R')));
	printf("other file, same letter: %s\n", yes_no(key == ftok(other, 'Q')));
	printf("no file: %s\n", outcome(ftok("/no/such/file", 'Q')));
	printf("no queue yet: %s\n", outcome(msgget(key, 0600)));
}

static void touch(const char *path)
{
	check(close((int)check(open(path, O_CREAT | O_EXCL | O_WRONLY, 0600), path)), "close");
}

int main(int argc, char **argv)
{
	begin();
	if (argc == 3) {
		(strcmp(argv[1], "send") == 0 ? send_lines : receive_lines)(argv[2]);
		return EXIT_SUCCESS;
	}
	struct name path = own_path("ftok"), other = own_path("other");
	touch(path.text);
	touch(other.text);
	compare_keys(path.text, other.text);

	pid_t receiver = fork_child();
	if (receiver == 0) {
		receive_lines(path.text);
		exit(EXIT_SUCCESS);
	}
	pid_t sender = fork_child();
	if (sender == 0) {
		send_lines(path.text);
		exit(EXIT_SUCCESS);
	}
	expect_success(sender);
	expect_success(receiver);
	check(unlink(path.text), "unlink");
	check(unlink(other.text), "unlink");
	return EXIT_SUCCESS;
}
