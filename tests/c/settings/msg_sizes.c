/* msg_sizes SIZE...: says which limits a new System V queue has, and whether it carries bodies of
 * these sizes: through the queue, and to a receiver that sleeps. They are compared byte by byte. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/asleep.h"
#include "../support/older.h"
#include "../support/must.h"

struct message {
	long type;
	unsigned char body[];
};

static int queue;

static void remove_queue(void)
{
	msgctl(queue, IPC_RMID, NULL);
}

static unsigned char byte_at(size_t size, size_t place)
{
	return (unsigned char)(size * 3 + place * 7 + (place >> 8) * 13 + (place >> 16) * 5);
}

static struct message *room_for(size_t size)
{
	struct message *message = malloc(sizeof *message + size + 1);
	MUST(message);
	message->type = 1;
	return message;
}

static int send_body(size_t size)
{
	struct message *message = room_for(size);
	for (size_t i = 0; i < size; i++)
		message->body[i] = byte_at(size, i);
	int result = msgsnd(queue, message, size, IPC_NOWAIT), error = errno;
	free(message);
	errno = error;
	return result;
}

static void receive_body(size_t size)
{
	struct message *message = room_for(size);
	message->body[size] = 0xa5;
	MUST(msgrcv(queue, message, size, 1, 0) == (ssize_t)size);
	for (size_t i = 0; i < size; i++)
		MUST(message->body[i] == byte_at(size, i));
	MUST(message->body[size] == 0xa5);
	free(message);
}

static void await_asleep(pid_t process)
{
	for (int looks = 0; looks < 3; usleep(1000))
		looks = asleep(process, process) ? looks + 1 : 0;
}

/* To one that sleeps. */
static void hand_over(size_t size)
{
	fflush(stdout);
	pid_t receiver = fork();
	MUST(receiver != -1);
	if (receiver == 0) {
		alarm(20);
		receive_body(size);
		_exit(0);
	}
	await_asleep(receiver);
	MUST(send_body(size) == 0);
	int status;
	MUST(waitpid(receiver, &status, 0) == receiver && status == 0);
}

static void try_size(size_t size)
{
	if (send_body(size) == -1) {
		printf("%zu: %s\n", size, strerrorname_np(errno));
		return;
	}
	receive_body(size);
	hand_over(size);
	struct msqid_ds status;
	MUST(msgctl(queue, IPC_STAT, &status) == 0 && status.msg_qnum == 0);
	MUST(status.__msg_cbytes == 0);
	printf("%zu: ok\n", size);
}

int main(int argc, char **argv)
{
	struct msqid_ds status;
	struct msginfo info;
	queue = msgget(IPC_PRIVATE, 0600);
	MUST(queue != -1 && atexit(remove_queue) == 0);
	MUST(msgctl(queue, IPC_STAT, &status) == 0);
	MUST(msgctl(0, IPC_INFO, (struct msqid_ds *)(void *)&info) >= 0);
	printf("msgmax %d, msgmnb %d, a new queue %lu\n", info.msgmax, info.msgmnb,
	       (unsigned long)status.msg_qbytes);
	for (int i = 1; i < argc; i++)
		try_size(strtoul(argv[i], NULL, 10));
	return 0;
}
