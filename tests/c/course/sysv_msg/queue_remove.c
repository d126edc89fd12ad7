/* A queue outlives its maker, with its messages, until it is removed. Then it is gone at once, and
 * processes that sleep in it are told. */
#include "queue.h"

enum { WAITERS = 3 };

int main(void)
{
	begin();
	key_t key = own_key("remove");
	pid_t maker = fork_child();
	if (maker == 0) {
		int queue = (int)check(msgget(key, IPC_CREAT | IPC_EXCL | 0600), "msgget");
		send(queue, 1, "from a process that is gone");
		exit(EXIT_SUCCESS);
	}
	expect_success(maker);
	printf("made again: %s\n", outcome(msgget(key, IPC_CREAT | IPC_EXCL | 0600)));
	int queue = (int)check(msgget(key, 0600), "msgget");
	printf("left behind: \"%s\"\n", receive(queue, 0, 0).text);

	pid_t waiters[WAITERS];
	for (int i = 0; i < WAITERS; i++) {
		if ((waiters[i] = fork_child()) == 0) {
			struct message message;
			long result = msgrcv(queue, &message, TEXT, i + 1, 0);
			exit(result == -1 && errno == EIDRM ? EXIT_SUCCESS : EXIT_FAILURE);
		}
		wait_until_asleep(waiters[i]);
	}
	send(queue, WAITERS + 1, "for no reader");
	remove_queue(queue);
	for (int i = 0; i < WAITERS; i++)
		printf("waiter %d was told that the queue is gone: %s\n", i + 1,
		       yes_no(wait_child(waiters[i]) == EXIT_SUCCESS));
	printf("by its key: %s\n", outcome(msgget(key, 0600)));
	return EXIT_SUCCESS;
}
