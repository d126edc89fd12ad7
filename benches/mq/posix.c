/* The queues of <mqueue.h>: the kernel's, or those of a library that is preloaded. */
#include "kernel_queue.h"

/* An mqd_t in disguise. */
struct queue;

static mqd_t descriptor(struct queue *queue)
{
	return (mqd_t)(intptr_t)queue;
}

static struct queue *queue_new(unsigned messages, unsigned size)
{
	return (struct queue *)(intptr_t)nameless_queue(messages, size, 0);
}

static void queue_send(struct queue *queue, const char *body, unsigned size, unsigned priority)
{
	BENCH_NEED(mq_send(descriptor(queue), body, size, priority) == 0);
}

static void queue_receive(struct queue *queue, char *body, unsigned size)
{
	unsigned priority;
	BENCH_NEED(mq_receive(descriptor(queue), body, size, &priority) == size);
}

#include "scenarios.h"

int main(int argc, char **argv)
{
	return bench_report(measure(argc, argv), "mq_send");
}
