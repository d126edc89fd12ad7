/* handover SIZE copy|loan PLACES sleep|spin: a message of SIZE bytes handed over by one process to
 * another, and one handed back; the time is for one of the two. `copy`: by mq_send and mq_receive.
 * `loan`: written where it will lie, and read there. The processes sleep, or try again and again.
 * Both touch the first byte alone: what is measured is the way of the message. */
#include "../../include/rsipc.h"
#include "kernel_queue.h"

#pragma weak rsipc_mq_loan
#pragma weak rsipc_mq_commit
#pragma weak rsipc_mq_borrow
#pragma weak rsipc_mq_release

enum { LARGEST = 16 << 20, MESSAGES = 4 };

static size_t size;
static int by_loan;
static char body[LARGEST];

static void send_copy(mqd_t queue)
{
	while (mq_send(queue, body, size, 0) == -1)
		BENCH_NEED(errno == EAGAIN);
}

static void receive_copy(mqd_t queue)
{
	while (mq_receive(queue, body, size, NULL) == -1)
		BENCH_NEED(errno == EAGAIN);
}

static void send_loan(mqd_t queue)
{
	char *loan;
	while (!(loan = rsipc_mq_loan(queue, 0, CLOCK_MONOTONIC, NULL)))
		BENCH_NEED(errno == EAGAIN);
	loan[0] = body[0];
	BENCH_NEED(rsipc_mq_commit(queue, loan, size, 0) == 0);
}

static void receive_borrowed(mqd_t queue)
{
	char *message;
	while (!(message = rsipc_mq_borrow(queue, NULL, NULL, CLOCK_MONOTONIC, NULL)))
		BENCH_NEED(errno == EAGAIN);
	body[0] = message[0];
	BENCH_NEED(rsipc_mq_release(queue, message) == 0);
}

static void hand_over(mqd_t queue)
{
	(by_loan ? send_loan : send_copy)(queue);
}

static void take_over(mqd_t queue)
{
	(by_loan ? receive_borrowed : receive_copy)(queue);
}

static void play(void *argument)
{
	mqd_t *queues = argument;
	hand_over(queues[0]);
	take_over(queues[1]);
}

int main(int argc, char **argv)
{
	size = argc == 5 ? (size_t)atol(argv[1]) : 0;
	by_loan = argc == 5 && strcmp(argv[2], "loan") == 0;
	if (size == 0 || size > LARGEST || (by_loan && !rsipc_mq_loan)) {
		fprintf(stderr, "usage: handover SIZE copy|loan one|two|free sleep|spin; "
				"loan: with librsipc preloaded\n");
		return 2;
	}
	int flags = strcmp(argv[4], "spin") == 0 ? O_NONBLOCK : 0;
	struct bench_places places = bench_places(argv[3]);
	mqd_t queues[2];
	for (int way = 0; way < 2; way++)
		queues[way] = nameless_queue(MESSAGES, (unsigned)size, flags);
	pid_t partner = bench_fork(places.there);
	while (partner == 0) {
		take_over(queues[0]);
		hand_over(queues[1]);
	}
	bench_pin(places.here);
	double ns = bench_loop(play, queues, size < 65536 ? 16 : 1);
	bench_end(partner);
	return bench_report(ns / 2, "mq_send");
}
