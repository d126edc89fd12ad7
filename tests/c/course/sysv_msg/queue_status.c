/* What a queue knows of itself: msgsnd(2) and msgrcv(2) note which process was the last one, how
 * many messages there are, and when; IPC_SET changes mode and limit. */
#include "queue.h"

static void show(const char *when, int queue, pid_t sender, pid_t receiver)
{
	struct msqid_ds now = status(queue);
	printf("%s: %lu messages; last sender: %s, last receiver: %s; ", when,
	       (unsigned long)now.msg_qnum,
	       now.msg_lspid == 0	? "none"
	       : now.msg_lspid == sender ? "the child"
					 : "another",
	       now.msg_lrpid == 0	    ? "none"
	       : now.msg_lrpid == receiver ? "the parent"
					   : "another");
	printf("sent at a time: %s, received: %s\n", yes_no(now.msg_stime != 0),
	       yes_no(now.msg_rtime != 0));
}

int main(void)
{
	begin();
	int queue = own_queue();
	show("new", queue, 0, 0);
	pid_t child = fork_child();
	if (child == 0) {
		send(queue, 1, "first");
		send(queue, 1, "second");
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	show("after two msgsnd", queue, child, getpid());
	receive(queue, 0, 0);
	show("after msgrcv", queue, child, getpid());

	struct msqid_ds wanted = status(queue);
	printf("mode %o, key %d, made by its owner: %s\n", (unsigned)wanted.msg_perm.mode,
	       (int)wanted.msg_perm.__key, yes_no(wanted.msg_perm.uid == wanted.msg_perm.cuid));
	wanted.msg_perm.mode = 0640;
	wanted.msg_qbytes = 10;
	check(msgctl(queue, IPC_SET, &wanted), "IPC_SET");
	printf("mode %o, at most %lu bytes\n", (unsigned)status(queue).msg_perm.mode,
	       (unsigned long)status(queue).msg_qbytes);
	struct message more = { 1, "seven b" };
	printf("7 bytes beside 6: %s\n", outcome(msgsnd(queue, &more, 7, IPC_NOWAIT)));
	printf("4 bytes beside 6: %s\n", outcome(msgsnd(queue, &more, 4, IPC_NOWAIT)));
	remove_queue(queue);
	return EXIT_SUCCESS;
}
