/* System V message queues, for scenarios.h; and four of their own:
 *
 *   clients N         a request, of N clients that send it with type 1 to SERVERS servers, and wait
 *                     for the answer, each for a type of its own, in the same queue
 *   full BYTES        a message of so many, from a sender on one processor to a receiver on the
 *                     other, through a queue of the default capacity: of short ones, thousands
 *   typed SELECTOR    send + receive of 64 B, while 100 messages of other types stay in the queue:
 *                     of one "type", or of the "lowest" type up to a bound */
#include <sys/ipc.h>
#include <sys/msg.h>
#include "../support/bench.h"

enum { QUEUED = 100, BOUND = 1000, BODY = 4096, SERVERS = 3, CLIENTS = 250, REQUEST = 1 };

struct queue {
	int id;
};

struct message {
	long type;
	char body[BODY];
};

static struct queue *made[2];
static long wanted;

/* The kernel's queues hold 16 KiB, or as many messages as are asked for, if the limit may be
 * raised. */
static struct queue *queue_new(unsigned messages, unsigned size)
{
	BENCH_NEED(size <= BODY);
	struct queue *queue = (struct queue *)bench_shared(sizeof *queue);
	struct msqid_ds status;
	queue->id = msgget(IPC_PRIVATE, 0600);
	BENCH_NEED(queue->id != -1);
	BENCH_NEED(msgctl(queue->id, IPC_STAT, &status) == 0);
	if (status.msg_qbytes > (unsigned long)messages * size) {
		status.msg_qbytes = (unsigned long)messages * size;
		BENCH_NEED(msgctl(queue->id, IPC_SET, &status) == 0);
	}
	made[made[0] != NULL] = queue;
	return queue;
}

static void queue_send(struct queue *queue, const char *body, unsigned size, unsigned priority)
{
	struct message message;
	message.type = (long)priority + 1;
	memcpy(message.body, body, size);
	BENCH_NEED(msgsnd(queue->id, &message, size, 0) == 0);
}

static void queue_receive(struct queue *queue, char *body, unsigned size)
{
	struct message message;
	BENCH_NEED(msgrcv(queue->id, &message, size, 0, 0) == (ssize_t)size);
	memcpy(body, message.body, size);
}

#include "scenarios.h"

static double measure_full(unsigned size)
{
	BENCH_NEED(size <= SMALL);
	return measure_stream_of(queue_new(BODY, BODY), size);
}

static void send_and_receive_typed(void *queue)
{
	static struct message message;
	message.type = QUEUED / 2;
	BENCH_NEED(msgsnd(((struct queue *)queue)->id, &message, SMALL, 0) == 0);
	BENCH_NEED(msgrcv(((struct queue *)queue)->id, &message, SMALL, wanted, 0) == SMALL);
}

static double measure_typed(const char *selector)
{
	bench_pin(1);
	struct queue *queue = queue_new(QUEUED + MESSAGES, SMALL);
	static char body[SMALL];
	for (unsigned i = 0; i < QUEUED; i++)
		queue_send(queue, body, SMALL, BOUND / 2 + i);
	wanted = strcmp(selector, "lowest") == 0 ? -BOUND : QUEUED / 2;
	return bench_loop(send_and_receive_typed, queue, 100);
}

static void be_server(const struct queue *queue)
{
	struct message message;
	for (;;) {
		BENCH_NEED(msgrcv(queue->id, &message, sizeof(long), REQUEST, 0) == sizeof(long));
		memcpy(&message.type, message.body, sizeof(long));
		BENCH_NEED(msgsnd(queue->id, &message, sizeof(long), 0) == 0);
	}
}

static void be_client(const struct queue *queue, long type, struct bench_counter *answered)
{
	struct message message;
	for (;; answered->count++) {
		message.type = REQUEST;
		memcpy(message.body, &type, sizeof type);
		BENCH_NEED(msgsnd(queue->id, &message, sizeof type, 0) == 0);
		BENCH_NEED(msgrcv(queue->id, &message, sizeof type, type, 0) == sizeof type);
	}
}

static double measure_clients(int clients)
{
	BENCH_NEED(clients >= 1 && clients <= CLIENTS);
	bench_pin(3);
	struct queue *queue = queue_new(BODY, SMALL);
	size_t length = (size_t)clients * sizeof(struct bench_counter);
	struct bench_counter *answered = (struct bench_counter *)bench_shared(length);
	pid_t crowd[CLIENTS + SERVERS];
	for (int i = 0; i < clients + SERVERS; i++) {
		crowd[i] = bench_fork(3);
		if (crowd[i] == 0 && i < clients)
			be_client(queue, REQUEST + 1 + i, &answered[i]);
		if (crowd[i] == 0)
			be_server(queue);
	}
	double ns = bench_watch(answered, clients);
	for (int i = 0; i < clients + SERVERS; i++)
		bench_end(crowd[i]);
	return ns;
}

int main(int argc, char **argv)
{
	int is_clients = argc == 3 && strcmp(argv[1], "clients") == 0;
	int is_typed = argc == 3 && strcmp(argv[1], "typed") == 0;
	int is_full = argc == 3 && strcmp(argv[1], "full") == 0;
	double ns = is_typed  ? measure_typed(argv[2])
		    : is_full ? measure_full((unsigned)atoi(argv[2]))
		    : is_clients ? measure_clients(atoi(argv[2]))
				 : measure(argc, argv);
	for (int i = 0; i < 2 && made[i]; i++)
		msgctl(made[i]->id, IPC_RMID, NULL);
	return bench_report(ns, "msgsnd");
}
