/* Epolls that are told of edges: the queue tells of each message, and of each receipt, whether or
 * not there were messages or space before. A program may take one message for each event. */
#include "../support/queue.h"

#include <sys/epoll.h>

enum { DEPTH = 8 };

static mqd_t queue_of_depth(void)
{
	return queue_create(0, O_RDWR | O_NONBLOCK, DEPTH, SMALL_SIZE);
}

static int epoll_of(mqd_t queue, uint32_t events)
{
	struct epoll_event want = { .events = events | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	return epoll;
}

/* The events of one wait. */
static uint32_t told(int epoll, int ms)
{
	struct epoll_event seen;
	return epoll_wait(epoll, &seen, 1, ms) == 1 ? seen.events : 0;
}

CASE(mq_epoll_on_edges_tells_of_each_message_beside_others)
{
	mqd_t queue = queue_of_depth();
	int epoll = epoll_of(queue, EPOLLIN);
	for (int count = 0; count < DEPTH; count++) {
		queue_put(queue, "more", 0);
		CHECK_EQ(told(epoll, 15000), EPOLLIN);
		CHECK_EQ(told(epoll, 0), 0);
	}
}

CASE(mq_epoll_on_edges_tells_of_what_a_receipt_leaves)
{
	/* One message for each event. The last event comes with the last message but one. */
	mqd_t queue = queue_of_depth();
	int epoll = epoll_of(queue, EPOLLIN);
	for (int count = 0; count < DEPTH; count++)
		queue_put(queue, "many", 0);
	for (int left = DEPTH; left > 0; left--) {
		CHECK_EQ(told(epoll, 15000), EPOLLIN);
		CHECK_EQ(told(epoll, 0), 0);
		queue_expect(queue, "many", 0);
	}
	CHECK_EQ(told(epoll, 0), 0);
}

CASE(mq_epoll_on_edges_tells_of_the_space_that_a_message_leaves)
{
	/* One message for each event, until the queue is full. */
	mqd_t queue = queue_of_depth();
	int epoll = epoll_of(queue, EPOLLOUT);
	for (int left = DEPTH; left > 0; left--) {
		CHECK_EQ(told(epoll, 15000), EPOLLOUT);
		CHECK_EQ(told(epoll, 0), 0);
		queue_put(queue, "fill", 0);
	}
	CHECK_EQ(told(epoll, 0), 0);
}

CASE(mq_epoll_on_edges_of_both_directions_tells_of_each_change)
{
	mqd_t queue = queue_of_depth();
	int epoll = epoll_of(queue, EPOLLIN | EPOLLOUT);
	CHECK_EQ(told(epoll, 15000), EPOLLOUT);
	for (int count = 1; count < DEPTH; count++) {
		queue_put(queue, "both", 0);
		CHECK_EQ(told(epoll, 15000), EPOLLIN | EPOLLOUT);
		CHECK_EQ(told(epoll, 0), 0);
	}
	for (int left = DEPTH - 1; left > 0; left--) {
		queue_expect(queue, "both", 0);
		CHECK_EQ(told(epoll, 15000), left > 1 ? EPOLLIN | EPOLLOUT : EPOLLOUT);
		CHECK_EQ(told(epoll, 0), 0);
	}
}

CASE(mq_epoll_on_edges_that_sleeps_beside_a_message_is_woken_by_the_next)
{
	mqd_t queue = queue_of_depth();
	queue_put(queue, "left", 0);
	pid_t child = check_fork();
	if (child == 0) {
		int epoll = epoll_of(queue, EPOLLIN);
		CHECK_EQ(told(epoll, 15000), EPOLLIN);
		CHECK_EQ(told(epoll, 15000), EPOLLIN);
		queue_expect(queue, "left", 0);
		CHECK_EQ(told(epoll, 15000), EPOLLIN);
		queue_expect(queue, "next", 0);
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "next", 0);
	check_child(child);
}
