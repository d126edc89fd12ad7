/* The first thread of a process has ended, and others go on. */
#include "../support/asleep.h"
#include "../support/queue.h"
#include "../support/scm.h"

#include <sys/syscall.h>

static mqd_t queue;
static int sockets[2];

static void await_end_of_first(void)
{
	CHECK_SOON(state_of(getpid(), getpid()) == 'Z');
}

/* Without the first thread, which makes nothing but this one. */
static void is_done_alone(void *(*act)(void *))
{
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, act, NULL), 0);
		pthread_exit(NULL);
	}
	check_child(child);
}

static void *uses_one_that_was_sent(void *unused)
{
	await_end_of_first();
	mqd_t sent = scm_receive(sockets[0]);
	CHECK_EQ(queue_events(sent), POLLIN | POLLOUT);
	queue_take(sent);
	queue_put(sent, "answer", 0);
	_exit(0);
	return unused;
}

CASE(mqd_that_was_sent_serves_a_process_whose_first_thread_has_ended)
{
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid_t child = check_fork();
	if (child == 0) {
		is_done_alone(uses_one_that_was_sent);
		_exit(0);
	}
	/* The child knows of no queue. */
	queue = queue_small(0);
	queue_put(queue, "question", 0);
	scm_send(sockets[1], queue);
	check_child(child);
	queue_take(queue);
	CHECK_EQ(queue_count(queue), 0);
}

static void *goes_on_with_a_copy(void *unused)
{
	enum { OTHERS = 8 };
	await_end_of_first();
	mqd_t copy = (mqd_t)syscall(SYS_dup, queue);
	CHECK_OK(copy);
	CHECK_OK(close(queue));
	for (int i = 0; i < OTHERS; i++) {
		mqd_t other = queue_create(1, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
		CHECK_OK(mq_unlink(queue_name(1)));
		CHECK_OK(close(other));
	}
	queue_expect(copy, "first", 0);
	_exit(0);
	return unused;
}

CASE(mqd_copy_by_a_bare_call_outlives_the_first_thread)
{
	queue = queue_small(0);
	queue_put(queue, "first", 0);
	CHECK_OK(mq_unlink(queue_name(0)));
	is_done_alone(goes_on_with_a_copy);
}
