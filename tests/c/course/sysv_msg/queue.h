/* What the programs on System V queues share: a message, a queue of their own, one call each. */
#ifndef QUEUE_H
#define QUEUE_H

#include "../ftok.h"

#include <sys/msg.h>

enum { TEXT = 128 };

/* Any structure that begins with a long, which is above 0. The size that msgsnd(2) and msgrcv(2)
 * are given is that of the rest. */
struct message {
	long type;
	char text[TEXT];
};

/* A queue for this process and its children. */
HELPER int own_queue(void)
{
	return (int)check(msgget(IPC_PRIVATE, 0600), "msgget");
}

HELPER void send(int queue, long type, const char *text)
{
	struct message message = { .type = type };
	snprintf(message.text, sizeof(message.text), "%s", text);
	check(msgsnd(queue, &message, strlen(message.text), 0), "msgsnd");
}

/* The next message that is asked for. Its text gets an end: queues know nothing of strings. */
HELPER struct message receive(int queue, long wanted, int flags)
{
	struct message message;
	long length = check(msgrcv(queue, &message, TEXT - 1, wanted, flags), "msgrcv");
	message.text[length] = 0;
	return message;
}

HELPER struct msqid_ds status(int queue)
{
	struct msqid_ds status;
	check(msgctl(queue, IPC_STAT, &status), "IPC_STAT");
	return status;
}

/* Removes the queue and shows that it is gone: at once, with what is in it, and for all
   processes. */
HELPER void remove_queue(int queue)
{
	check(msgctl(queue, IPC_RMID, NULL), "IPC_RMID");
	printf("removed: %s\n", outcome(msgctl(queue, IPC_RMID, NULL)));
}

#endif
