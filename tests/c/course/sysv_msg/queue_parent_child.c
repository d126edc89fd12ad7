/* Parent and child over a queue without a key: the child knows its id from before the fork. One
 * queue serves both directions, as each side asks for a type of its own. */
#include "queue.h"

enum { TO_CHILD = 1, TO_PARENT = 2 };

static void answer(int queue)
{
	for (;;) {
		struct message question = receive(queue, TO_CHILD, 0);
		if (strcmp(question.text, "end") == 0)
			return;
		char text[TEXT] = "";
		size_t length = strlen(question.text);
		for (size_t i = 0; i < length; i++)
			text[i] = question.text[length - 1 - i];
		send(queue, TO_PARENT, text);
	}
}

int main(void)
{
	begin();
	int queue = own_queue();
	pid_t child = fork_child();
	if (child == 0) {
		answer(queue);
		exit(EXIT_SUCCESS);
	}
	static const char *const words[] = { "queue", "level", "System V" };
	for (int i = 0; i < 3; i++) {
		send(queue, TO_CHILD, words[i]);
		printf("%s: %s\n", words[i], receive(queue, TO_PARENT, 0).text);
	}
	send(queue, TO_CHILD, "end");
	expect_success(child);
	int other = own_queue();
	printf("another private queue is another one: %s\n", yes_no(other != queue));
	remove_queue(other);
	remove_queue(queue);
	return EXIT_SUCCESS;
}
