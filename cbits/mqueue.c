#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#pragma GCC visibility push(hidden)

/* Room for a wait of core/src/posix/mq/wait.rs, which asserts that it fits. */
struct rsipc_mq_wait {
	struct rsipc_sleep sleep;
	long room[24];
};

/* What is to be sent, or where to receive: src/posix/mqueue_steps.rs. */
struct rsipc_mq_task {
	mqd_t queue;
	int is_send;
	void *body;
	size_t length;
	unsigned priority;
	/* Received: the length, or -1. */
	ssize_t received;
};

int rsipc_mq_try_send(struct rsipc_thread **thread, mqd_t queue, const char *body, size_t length, unsigned priority);
int rsipc_mq_try_receive(struct rsipc_thread **thread, mqd_t queue, char *body, size_t room, unsigned *priority,
			 size_t *length);
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

/* What could not be done at once. Not a part of its callers, which need no room for it. */
__attribute__((noinline, cold)) static int wait_slowly(struct rsipc_mq_task *task, const struct timespec *until)
{
	struct rsipc_mq_wait wait;
	int answer = rsipc_mq_begin(&rsipc_thread, task, &wait, until);
	if (answer == RSIPC_MUST_SLEEP)
		answer = rsipc_sleep_until_woken(&wait.sleep, &rsipc_mq_wait_kind);
	return answer;
}

__attribute__((noinline, cold)) static int send_slowly(mqd_t queue, const char *body, size_t length, unsigned priority,
						       const struct timespec *until, int answer)
{
	if (answer == RSIPC_MUST_SLEEP) {
		struct rsipc_mq_task task = {
			.queue = queue, .is_send = 1, .body = (char *)body, .length = length, .priority = priority
		};
		answer = wait_slowly(&task, until);
	}
	return rsipc_return(answer);
}

__attribute__((noinline, cold)) static ssize_t receive_slowly(mqd_t queue, char *body, size_t room, unsigned *priority,
							      const struct timespec *until, int answer)
{
	struct rsipc_mq_task task = { .queue = queue, .body = body, .length = room };
	if (answer == RSIPC_MUST_SLEEP)
		answer = wait_slowly(&task, until);
	if (answer != 0)
		return rsipc_return(answer);
	if (priority)
		*priority = task.priority;
	return task.received;
}

/* Cancellation points, even when nobody has to wait. */
static inline int send(mqd_t queue, const char *body, size_t length, unsigned priority, const struct timespec *until)
{
	pthread_testcancel();
	int answer = until ? rsipc_mq_check_time(until) : 0;
	if (answer == 0)
		answer = rsipc_mq_try_send(&rsipc_thread, queue, body, length, priority);
	if (__builtin_expect(answer == 0, 1))
		return 0;
	return send_slowly(queue, body, length, priority, until, answer);
}

static inline ssize_t receive(mqd_t queue, char *body, size_t room, unsigned *priority, const struct timespec *until)
{
	size_t length;
	pthread_testcancel();
	int answer = until ? rsipc_mq_check_time(until) : 0;
	if (answer == 0)
		answer = rsipc_mq_try_receive(&rsipc_thread, queue, body, room, priority, &length);
	if (__builtin_expect(answer == 0, 1))
		return (ssize_t)length;
	return receive_slowly(queue, body, room, priority, until, answer);
}

int rsipc_c_mq_send(mqd_t queue, const char *body, size_t length, unsigned priority)
{
	return send(queue, body, length, priority, NULL);
}

int rsipc_c_mq_timedsend(mqd_t queue, const char *body, size_t length, unsigned priority,
			 const struct timespec *until)
{
	return send(queue, body, length, priority, until);
}

ssize_t rsipc_c_mq_receive(mqd_t queue, char *body, size_t room, unsigned *priority)
{
	return receive(queue, body, room, priority, NULL);
}

ssize_t rsipc_c_mq_timedreceive(mqd_t queue, char *body, size_t room, unsigned *priority,
				const struct timespec *until)
{
	return receive(queue, body, room, priority, until);
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
