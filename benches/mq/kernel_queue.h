/* A queue without a name: the kernel's, or one of a library that is preloaded. */
#ifndef MQ_KERNEL_QUEUE_H
#define MQ_KERNEL_QUEUE_H

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>

#include "../support/bench.h"

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

/* Ends the program where there can be none. */
static mqd_t nameless_queue(unsigned messages, unsigned size, int flags)
{
	static int number;
	char name[64];
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = size };
	snprintf(name, sizeof name, "/rsipc-bench.%d.%d", (int)getpid(), number++);
	flags |= O_CREAT | O_EXCL | O_RDWR;
	mqd_t queue = mq_open(name, flags, 0600, &attr);
	if (queue == (mqd_t)-1 && (errno == EINVAL || errno == EMFILE)) {
		raise_limits(messages, size);
		queue = mq_open(name, flags, 0600, &attr);
	}
	if (queue == (mqd_t)-1 && (errno == ENOSYS || errno == EINVAL || errno == EMFILE)) {
		fprintf(stderr, "no queue of %u messages of %u bytes here\n", messages, size);
		exit(BENCH_ABSENT);
	}
	BENCH_NEED(queue != (mqd_t)-1);
	mq_unlink(name);
	return queue;
}

#endif
