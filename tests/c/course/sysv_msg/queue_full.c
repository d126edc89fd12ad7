/* A queue has a limit: msgsnd(2) waits for space, or fails with EAGAIN. A signal ends the wait,
 * even if its handler has SA_RESTART; so does the end of the queue. */
#include "queue.h"

#include <signal.h>

enum { LIMIT = 100 };

static void nothing(int signal)
{
	(void)signal;
}

static int full_queue(void)
{
	int queue = own_queue();
	struct msqid_ds limits = status(queue);
	limits.msg_qbytes = LIMIT;
	check(msgctl(queue, IPC_SET, &limits), "IPC_SET");
	struct message message = { .type = 1 };
	int count = 0;
	while (msgsnd(queue, &message, 30, IPC_NOWAIT) == 0)
		count++;
	printf("%d messages of 30 bytes, then %s\n", count, outcome(-1));
	return queue;
}

static pid_t start_sender(int queue)
{
	pid_t sender = fork_child();
	if (sender == 0) {
		long result = msgsnd(queue, &(struct message){ 2, "waits" }, 30, 0);
		printf("the sender: %s\n", outcome(result));
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(sender);
	return sender;
}

int main(void)
{
	begin();
	int queue = full_queue();
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");

	pid_t sender = start_sender(queue);
	printf("received one\n");
	fflush(stdout);
	receive(queue, 1, 0);
	expect_success(sender);
	receive(queue, 2, 0);
	send(queue, 1, "thirty bytes, as before: like t");

	sender = start_sender(queue);
	check(kill(sender, SIGUSR1), "kill");
	expect_success(sender);

	sender = start_sender(queue);
	check(msgctl(queue, IPC_RMID, NULL), "IPC_RMID");
	expect_success(sender);
	return EXIT_SUCCESS;
}
