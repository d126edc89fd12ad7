/* batch N: a message of 64 bytes, from a sender on one processor to a receiver on the other, N at a
 * time. 1: by mq_send and mq_receive; more: by rsipc_mq_sendv and rsipc_mq_recvv. The queue has
 * space for 64 messages. */

#include "../../include/rsipc.h"
#include "small_queue.h"

#pragma weak rsipc_mq_sendv
#pragma weak rsipc_mq_recvv

enum { MESSAGES = 64, MOST = 64 };

static char bodies[MOST][SMALL];
static struct rsipc_mq_message batch[MOST];

static void send_some(mqd_t queue, unsigned at_a_time)
{
	if (at_a_time == 1) {
		BENCH_NEED(mq_send(queue, bodies[0], SMALL, 0) == 0);
		return;
	}
	BENCH_NEED(rsipc_mq_sendv(queue, batch, at_a_time) > 0);
}

static unsigned receive_some(mqd_t queue, unsigned at_a_time)
{
	if (at_a_time == 1) {
		BENCH_NEED(mq_receive(queue, bodies[0], SMALL, NULL) == SMALL);
		return 1;
	}
	int received = rsipc_mq_recvv(queue, batch, at_a_time);
	BENCH_NEED(received > 0);
	return (unsigned)received;
}

int main(int argc, char **argv)
{
	unsigned at_a_time = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
	if (at_a_time == 0 || at_a_time > MOST || !rsipc_mq_sendv) {
		fprintf(stderr, "usage, with librsipc preloaded: batch 1..%d\n", MOST);
		return 2;
	}
	for (unsigned i = 0; i < MOST; i++)
		batch[i] = (struct rsipc_mq_message){ bodies[i], SMALL, 0 };
	struct bench_places places = bench_places("two");
	mqd_t queue = small_queue(MESSAGES);
	struct bench_counter *received = bench_shared(sizeof *received);
	pid_t sender = bench_fork(places.here), receiver;
	while (sender == 0)
		send_some(queue, at_a_time);
	receiver = bench_fork(places.there);
	while (receiver == 0)
		received->count += receive_some(queue, at_a_time);
	double ns = bench_watch(received, 1);
	bench_end(sender);
	bench_end(receiver);
	return bench_report(ns, "mq_send");
}
