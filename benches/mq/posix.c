/* The queues of <mqueue.h>: the kernel's, or those of a library that is preloaded. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>

#include "../support/bench.h"

/* An mqd_t in disguise. */
struct queue;

static mqd_t descriptor(struct queue *queue)
{
	return (mqd_t)(intptr_t)queue;
}

static void write_number(const char *path, unsigned number)
{
	FILE *file = fopen(path, "w");
	if (!file)
		return;
	fprintf(file, "%u\n", number);
	fclose(file);
}

/* The kernel's limits, as far as they may be raised: in an IPC namespace of our own, so that nobody
 * else sees it. */
static void raise_limits(unsigned messages, unsigned size)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_MSGQUEUE, &all);
	if (unshare(CLONE_NEWIPC) == 0) {
		write_number("/proc/sys/fs/mqueue/msg_max", messages);
		write_number("/proc/sys/fs/mqueue/msgsize_max", size);
	}
}

static struct queue *queue_new(unsigned messages, unsigned size)
{
	static int number;
	char name[64];
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = size };
	snprintf(name, sizeof name, "/rsipc-bench.%d.%d", (int)getpid(), number++);
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (queue == (mqd_t)-1 && (errno == EINVAL || errno == EMFILE)) {
		raise_limits(messages, size);
		queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	}
	if (queue == (mqd_t)-1 && (errno == ENOSYS || errno == EINVAL || errno == EMFILE)) {
		fprintf(stderr, "no queue of %u messages of %u bytes here\n", messages, size);
		exit(BENCH_ABSENT);
	}
	BENCH_NEED(queue != (mqd_t)-1);
	mq_unlink(name);
	return (struct queue *)(intptr_t)queue;
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
