/* The type of a message lets the receiver choose: the first of all, the first of one type, the
 * first of the lowest type up to a bound, the first of any other type. */
#include "queue.h"

static void show(int queue, const char *what, long wanted, int flags)
{
	struct message message;
	long length = msgrcv(queue, &message, TEXT - 1, wanted, flags | IPC_NOWAIT);
	if (length == -1) {
		printf("%s: %s\n", what, outcome(length));
		return;
	}
	printf("%s: \"%.*s\" of type %ld\n", what, (int)length, message.text, message.type);
}

int main(void)
{
	begin();
	int queue = own_queue();
	static const struct {
		long type;
		const char *text;
	} messages[] = { { 4, "A" }, { 2, "B" }, { 3, "C" }, { 2, "D" }, { 1, "E" }, { 4, "F" } };
	for (int i = 0; i < 6; i++) {
		send(queue, messages[i].type, messages[i].text);
		printf("sent \"%s\" of type %ld\n", messages[i].text, messages[i].type);
	}
	show(queue, "type 2", 2, 0);
	show(queue, "lowest up to 3", -3, 0);
	show(queue, "lowest up to 3", -3, 0);
	show(queue, "any but 4", 4, MSG_EXCEPT);
	show(queue, "any but 4", 4, MSG_EXCEPT);
	show(queue, "the first", 0, 0);
	show(queue, "the first", 0, 0);
	show(queue, "the first", 0, 0);
	printf("type 0: %s\n", outcome(msgsnd(queue, &(struct message){ .type = 0 }, 1, 0)));

	struct message small;
	send(queue, 1, "longer than four");
	printf("room for 4: %s\n", outcome(msgrcv(queue, &small, 4, 0, IPC_NOWAIT)));
	long length = check(msgrcv(queue, &small, 4, 0, MSG_NOERROR), "msgrcv");
	printf("room for 4, and MSG_NOERROR: \"%.*s\"\n", (int)length, small.text);
	show(queue, "the rest", 0, 0);
	remove_queue(queue);
	return EXIT_SUCCESS;
}
