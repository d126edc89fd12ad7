/* What ipcs(1) does where there is no /proc: MSG_INFO tells the highest index, MSG_STAT what is
 * there. Other programs may have queues, too; of the list only ours are shown. */
#include "queue.h"

enum { QUEUES = 3 };

/* The queue of this index if it is one of ours. */
static int is_ours(const int *queues, int queue)
{
	for (int i = 0; i < QUEUES; i++)
		if (queues[i] == queue)
			return i + 1;
	return 0;
}

static void list(const int *queues)
{
	struct msginfo info;
	int shown[QUEUES + 1] = { 0 };
	struct msqid_ds entries[QUEUES + 1];
	int highest = (int)check(msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info), "MSG_INFO");
	for (int i = 0; i <= highest; i++) {
		struct msqid_ds entry;
		int queue = msgctl(i, MSG_STAT, &entry), number = is_ours(queues, queue);
		if (queue == -1 || number == 0)
			continue;
		shown[number]++;
		entries[number] = entry;
	}
	for (int i = 1; i <= QUEUES; i++)
		if (shown[i] == 1)
			printf("queue %d: mode %o, %lu messages, %lu bytes\n", i,
			       (unsigned)entries[i].msg_perm.mode,
			       (unsigned long)entries[i].msg_qnum,
			       (unsigned long)entries[i].__msg_cbytes);
	printf("at least %d queues in all: %s\n", QUEUES, yes_no(info.msgpool >= QUEUES));
}

int main(void)
{
	begin();
	int queues[QUEUES];
	for (int i = 0; i < QUEUES; i++) {
		queues[i] = own_queue();
		for (int j = 0; j < i; j++)
			send(queues[i], 1, "twelve bytes");
	}
	list(queues);
	for (int i = 0; i < QUEUES; i++)
		remove_queue(queues[i]);
	return EXIT_SUCCESS;
}
