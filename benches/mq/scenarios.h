/* What is measured of message queues, the same for all implementations. The file that includes this
 * has defined
 *
 *   struct queue; struct queue *queue_new(unsigned messages, unsigned size);
 *   void queue_send(struct queue *, const char *body, unsigned size, unsigned priority);
 *   void queue_receive(struct queue *, char *body, unsigned size);
 *
 * where sending to a full queue and receiving from an empty one wait.
 *
 *   pair SIZE DEPTH   send + receive in one thread, while DEPTH messages of random priorities
 *                     stay in the queue; SIZE in bytes, up to 16 MiB
 *   stream            a message, from a sender on one processor to a receiver on the other
 *   pingpong PLACES   there and back between two processes
 *   crowd N           a message, N senders and N receivers on two processors; N up to 8
 */
#include "../support/bench.h"

enum { SMALL = 64, MESSAGES = 10, CROWD = 8, LARGEST = 16 << 20 };

/* Of messages that take longer to copy than to pass on, the queue has room for one more than stay
 * in it. */
enum { LARGE = 64 << 10 };

struct pair {
	struct queue *queue;
	unsigned size, random;
	int deep;
	char body[LARGEST];
};

static void send_and_receive(void *argument)
{
	struct pair *pair = (struct pair *)argument;
	unsigned priority = 0;
	if (pair->deep) {
		pair->random = pair->random * 1664525 + 1013904223;
		priority = pair->random >> 17;
	}
	queue_send(pair->queue, pair->body, pair->size, priority);
	queue_receive(pair->queue, pair->body, pair->size);
}

static double measure_pair(unsigned size, unsigned depth)
{
	static struct pair pair;
	bench_pin(1);
	BENCH_NEED(size <= LARGEST);
	pair.queue = queue_new(depth + (size < LARGE ? MESSAGES : 1), size);
	pair.size = size;
	pair.deep = depth > 0;
	for (unsigned i = 0; i < depth; i++) {
		pair.random = pair.random * 1664525 + 1013904223;
		queue_send(pair.queue, pair.body, size, pair.random >> 17);
	}
	return bench_loop(send_and_receive, &pair, size < LARGE ? 100 : 1);
}

static double measure_stream_of(struct queue *queue, unsigned size)
{
	struct bench_places places = bench_places("two");
	struct bench_counter *received = (struct bench_counter *)bench_shared(sizeof *received);
	pid_t sender = bench_fork(places.here), receiver;
	while (sender == 0) {
		static char body[SMALL];
		queue_send(queue, body, size, 0);
	}
	receiver = bench_fork(places.there);
	while (receiver == 0) {
		static char body[SMALL];
		queue_receive(queue, body, size);
		received->count++;
	}
	double ns = bench_watch(received, 1);
	bench_end(sender);
	bench_end(receiver);
	return ns;
}

static double measure_stream(void)
{
	return measure_stream_of(queue_new(MESSAGES, SMALL), SMALL);
}

static void play(void *argument)
{
	struct queue **table = (struct queue **)argument;
	static char body[SMALL];
	queue_send(table[0], body, SMALL, 0);
	queue_receive(table[1], body, SMALL);
}

static double measure_pingpong(const char *where)
{
	struct bench_places places = bench_places(where);
	struct queue *table[2] = { queue_new(MESSAGES, SMALL), queue_new(MESSAGES, SMALL) };
	pid_t partner = bench_fork(places.there);
	while (partner == 0) {
		static char body[SMALL];
		queue_receive(table[0], body, SMALL);
		queue_send(table[1], body, SMALL, 0);
	}
	bench_pin(places.here);
	double ns = bench_loop(play, table, 16);
	bench_end(partner);
	return ns;
}

static double measure_crowd(int each)
{
	BENCH_NEED(each >= 1 && each <= CROWD);
	bench_pin(3);
	struct queue *queue = queue_new(MESSAGES, SMALL);
	struct bench_counter *received = (struct bench_counter *)bench_shared((size_t)each *
									      sizeof *received);
	pid_t crowd[2 * CROWD];
	for (int i = 0; i < 2 * each; i++) {
		static char body[SMALL];
		crowd[i] = bench_fork(3);
		while (crowd[i] == 0 && i < each)
			queue_send(queue, body, SMALL, 0);
		while (crowd[i] == 0) {
			queue_receive(queue, body, SMALL);
			received[i - each].count++;
		}
	}
	double ns = bench_watch(received, each);
	for (int i = 0; i < 2 * each; i++)
		bench_end(crowd[i]);
	return ns;
}

static double measure(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (strcmp(what, "pair") == 0 && argc == 4)
		return measure_pair((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
	if (strcmp(what, "stream") == 0)
		return measure_stream();
	if (strcmp(what, "pingpong") == 0 && argc == 3)
		return measure_pingpong(argv[2]);
	if (strcmp(what, "crowd") == 0 && argc == 3)
		return measure_crowd(atoi(argv[2]));
	fprintf(stderr, "usage: pair SIZE DEPTH | stream | pingpong one|two|free | crowd N\n");
	exit(2);
}
