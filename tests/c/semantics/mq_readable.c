/* No poller is told of a message that is not there: after the last message a queue is not readable,
 * for every process and every call. */
#include "../support/queue.h"

#include <sys/epoll.h>

static char got[SMALL_SIZE];

static int epoll_of(mqd_t queue, uint32_t events)
{
	struct epoll_event want = { .events = events, .data.fd = queue };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	return epoll;
}

static int told(int epoll, int ms)
{
	struct epoll_event seen;
	return epoll_wait(epoll, &seen, 1, ms);
}

static void drain(mqd_t queue)
{
	while (mq_receive(queue, got, sizeof got, NULL) >= 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

CASE(mq_is_not_readable_after_a_drain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	struct pollfd fd = { queue, POLLIN, 0 };
	int epoll = epoll_of(queue, EPOLLIN);
	for (int round = 0; round < 20; round++) {
		CHECK_EQ(poll(&fd, 1, 0), 0);
		CHECK_EQ(told(epoll, 0), 0);
		queue_put(queue, "one", 0);
		queue_put(queue, "two", 0);
		CHECK_EQ(told(epoll, 15000), 1);
		CHECK_EQ(poll(&fd, 1, 15000), 1);
		drain(queue);
		CHECK_EQ(round % 2 ? told(epoll, 10) : poll(&fd, 1, 10), 0);
	}
}

CASE(mq_is_not_readable_once_another_process_has_drained_it)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	struct pollfd fd = { queue, POLLIN, 0 };
	int epoll = epoll_of(queue, EPOLLIN);
	for (int round = 0; round < 5; round++) {
		queue_put(queue, "one", 0);
		CHECK_EQ(told(epoll, 15000), 1);
		pid_t child = check_fork();
		if (child == 0) {
			drain(queue);
			_exit(0);
		}
		check_child(child);
		CHECK_EQ(round % 2 ? told(epoll, 10) : poll(&fd, 1, 10), 0);
	}
}

CASE(mq_tells_of_each_message_that_comes_after_a_drain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	int level = epoll_of(queue, EPOLLIN), edge = epoll_of(queue, EPOLLIN | EPOLLET);
	int once = epoll_of(queue, EPOLLIN | EPOLLONESHOT);
	struct epoll_event again = { .events = EPOLLIN | EPOLLONESHOT };
	for (int round = 0; round < 20; round++) {
		CHECK_EQ(told(level, 0) + told(edge, 0) + told(once, 0), 0);
		queue_put(queue, "one", 0);
		CHECK_EQ(told(level, 15000), 1);
		CHECK_EQ(told(edge, 15000), 1);
		CHECK_EQ(told(once, 15000), 1);
		drain(queue);
		CHECK_OK(epoll_ctl(once, EPOLL_CTL_MOD, queue, &again));
	}
}

CASE(mq_edge_comes_while_another_thread_drains)
{
	/* A thread that sleeps for an edge hears of the first message after the drain,
	 * whichever process has drained it. */
	mqd_t queue = queue_small(O_NONBLOCK);
	mqd_t writer = queue_again(0, O_WRONLY);
	for (int round = 0; round < 20; round++) {
		pid_t child = check_fork();
		if (child == 0) {
			int edge = epoll_of(queue, EPOLLIN | EPOLLET);
			queue_put(writer, "one", 0);
			CHECK_EQ(told(edge, 15000), 1);
			CHECK_EQ(told(edge, 15000), 1);
			_exit(0);
		}
		CHECK_SOON(queue_count(queue) == 1);
		queue_await_asleep(child);
		drain(queue);
		queue_put(writer, "two", 0);
		check_child(child);
		drain(queue);
	}
}

CASE(mq_is_not_writable_while_it_is_full)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	struct pollfd fd = { queue, POLLOUT, 0 };
	int epoll = epoll_of(queue, EPOLLOUT);
	for (int round = 0; round < 10; round++) {
		CHECK_EQ(told(epoll, 15000), 1);
		while (mq_send(queue, "fill", 4, 0) == 0)
			;
		CHECK_EQ(told(epoll, 10), 0);
		CHECK_EQ(poll(&fd, 1, 10), 0);
		queue_take(queue);
		CHECK_EQ(told(epoll, 15000), 1);
		CHECK_EQ(poll(&fd, 1, 15000), 1);
		drain(queue);
	}
}

CASE(mq_what_was_polled_before_all_closed_it_is_forgotten)
{
	/* The queue stays, with its messages; no process has it open, and then another one does. */
	for (int left = 0; left <= 1; left++) {
		mqd_t queue = queue_small(O_NONBLOCK);
		struct pollfd fd = { queue, POLLIN, 0 };
		CHECK_EQ(poll(&fd, 1, 1), 0);
		queue_put(queue, "one", 0);
		CHECK_EQ(poll(&fd, 1, 15000), 1);
		if (!left)
			queue_take(queue);
		CHECK_OK(mq_close(queue));
		fd.fd = queue_again(0, O_RDWR | O_NONBLOCK);
		CHECK_EQ(poll(&fd, 1, 1), left);
		drain(fd.fd);
		queue_put(fd.fd, "two", 0);
		CHECK_EQ(poll(&fd, 1, 15000), 1);
		CHECK_OK(mq_close(fd.fd));
		CHECK_OK(mq_unlink(queue_name(0)));
	}
}
