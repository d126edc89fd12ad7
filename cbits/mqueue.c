#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#pragma GCC visibility push(hidden)

/* Room for a wait of mq/wait.rs, which asserts that it fits. */
struct rsipc_mq_wait {
	struct rsipc_sleep sleep;
	long room[24];
};

/* What is to be sent, or where to receive: abi/mqueue.rs. */
struct rsipc_mq_task {
	mqd_t queue;
	int is_send;
	void *body;
	size_t length;
	unsigned priority;
	/* Received: the length, or -1. */
	ssize_t received;
};

int rsipc_mq_try(struct rsipc_thread **thread, struct rsipc_mq_task *task);
int rsipc_mq_begin(struct rsipc_thread **thread, struct rsipc_mq_task *task, struct rsipc_mq_wait *wait,
		   const struct timespec *until);
int rsipc_mq_check_time(const struct timespec *until);
extern const struct rsipc_wait_kind rsipc_mq_wait_kind;
mqd_t rsipc_mq_open(const char *name, int flags, mode_t mode, const struct mq_attr *attributes);

int rsipc_c_mq_send(mqd_t queue, const char *body, size_t length, unsigned priority);
int rsipc_c_mq_timedsend(mqd_t queue, const char *body, size_t length, unsigned priority,
			 const struct timespec *until);
ssize_t rsipc_c_mq_receive(mqd_t queue, char *body, size_t length, unsigned *priority);
ssize_t rsipc_c_mq_timedreceive(mqd_t queue, char *body, size_t length, unsigned *priority,
				const struct timespec *until);
mqd_t rsipc_c_mq_open(const char *name, int flags, ...);
mqd_t rsipc_c_mq_open_2(const char *name, int flags);

#pragma GCC visibility pop

__attribute__((noinline)) static int wait_slowly(struct rsipc_mq_task *task, const struct timespec *until)
{
	struct rsipc_mq_wait wait;
	int answer = rsipc_mq_begin(&rsipc_thread, task, &wait, until);
	if (answer == RSIPC_MUST_SLEEP)
		answer = rsipc_sleep_until_woken(&wait.sleep, &rsipc_mq_wait_kind);
	return answer;
}

/* A cancellation point, even when nobody has to wait. */
static inline int run(struct rsipc_mq_task *task, const struct timespec *until)
{
	pthread_testcancel();
	if (until) {
		int error = rsipc_mq_check_time(until);
		if (error)
			return rsipc_return(error);
	}
	int answer = rsipc_mq_try(&rsipc_thread, task);
	if (__builtin_expect(answer == RSIPC_MUST_SLEEP, 0))
		answer = wait_slowly(task, until);
	return __builtin_expect(answer != 0, 0) ? rsipc_return(answer) : 0;
}

int rsipc_c_mq_timedsend(mqd_t queue, const char *body, size_t length, unsigned priority,
			 const struct timespec *until)
{
	struct rsipc_mq_task task = {
		.queue = queue, .is_send = 1, .body = (char *)body, .length = length, .priority = priority
	};
	return run(&task, until);
}

int rsipc_c_mq_send(mqd_t queue, const char *body, size_t length, unsigned priority)
{
	return rsipc_c_mq_timedsend(queue, body, length, priority, NULL);
}

ssize_t rsipc_c_mq_timedreceive(mqd_t queue, char *body, size_t length, unsigned *priority,
				const struct timespec *until)
{
	struct rsipc_mq_task task = { .queue = queue, .body = body, .length = length };
	if (run(&task, until) != 0)
		return -1;
	if (priority)
		*priority = task.priority;
	return task.received;
}

ssize_t rsipc_c_mq_receive(mqd_t queue, char *body, size_t length, unsigned *priority)
{
	return rsipc_c_mq_timedreceive(queue, body, length, priority, NULL);
}

mqd_t rsipc_c_mq_open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	const struct mq_attr *attributes = NULL;
	if (flags & O_CREAT) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		attributes = va_arg(args, const struct mq_attr *);
		va_end(args);
	}
	return rsipc_mq_open(name, flags, mode, attributes);
}

/* What a program built with _FORTIFY_SOURCE calls when the compiler saw two arguments. */
mqd_t rsipc_c_mq_open_2(const char *name, int flags)
{
	if (flags & O_CREAT) {
		fputs("*** invalid mq_open call: O_CREAT without mode and attributes ***: terminated\n", stderr);
		abort();
	}
	return rsipc_mq_open(name, flags, 0, NULL);
}
