/* A queue in an epoll that is itself in the set of an epoll with EPOLLET: the outer one tells of
 * each message and of each receipt, whatever the inner one is told of. */
#include "../support/queue.h"

#include <sys/epoll.h>

enum { DEPTH = 4 };

static void put_into(int epoll, int fd, uint32_t events)
{
	struct epoll_event want = { .events = events, .data.fd = fd };
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &want));
}

static int told(int epoll, int ms)
{
	struct epoll_event seen;
	return epoll_wait(epoll, &seen, 1, ms);
}

static mqd_t queue_of_depth(void)
{
	return queue_create(0, O_RDWR | O_NONBLOCK, DEPTH, SMALL_SIZE);
}

/* `outer` hears of each message, and of what each receipt leaves. */
static void check_edges(mqd_t queue, int outer)
{
	CHECK_EQ(told(outer, 0), 0);
	for (int count = 0; count < DEPTH; count++) {
		queue_put(queue, "more", 0);
		CHECK_EQ(told(outer, 15000), 1);
		CHECK_EQ(told(outer, 0), 0);
	}
	for (int left = DEPTH; left > 1; left--) {
		queue_expect(queue, "more", 0);
		CHECK_EQ(told(outer, 15000), 1);
		CHECK_EQ(told(outer, 0), 0);
	}
}

CASE(mq_epoll_on_edges_of_an_epoll_tells_of_each_change)
{
	mqd_t queue = queue_of_depth();
	int inner = epoll_create1(0), outer = epoll_create1(0);
	put_into(inner, queue, EPOLLIN);
	put_into(outer, inner, EPOLLIN | EPOLLET);
	check_edges(queue, outer);
}

CASE(mq_epoll_on_edges_of_an_epoll_that_got_the_queue_later_tells_of_each_change)
{
	/* Both epolls are older than the first queue of the process. */
	int inner = epoll_create1(0), outer = epoll_create1(0);
	put_into(outer, inner, EPOLLIN | EPOLLET);
	mqd_t queue = queue_of_depth();
	put_into(inner, queue, EPOLLIN);
	check_edges(queue, outer);
}

CASE(mq_epoll_on_edges_that_were_asked_for_later_tells_of_each_change)
{
	mqd_t queue = queue_of_depth();
	int inner = epoll_create1(0), outer = epoll_create1(0);
	struct epoll_event want = { .events = EPOLLIN | EPOLLET };
	put_into(outer, inner, EPOLLIN);
	put_into(inner, queue, EPOLLIN);
	CHECK_OK(epoll_ctl(outer, EPOLL_CTL_MOD, inner, &want));
	check_edges(queue, outer);
}

CASE(mq_epoll_on_edges_two_epolls_away_tells_of_each_change)
{
	mqd_t queue = queue_of_depth();
	int inner = epoll_create1(0), middle = epoll_create1(0), outer = epoll_create1(0);
	put_into(inner, queue, EPOLLIN);
	put_into(middle, inner, EPOLLIN);
	put_into(outer, middle, EPOLLIN | EPOLLET);
	check_edges(queue, outer);
}

CASE(mq_epoll_on_edges_of_an_epoll_tells_of_space)
{
	mqd_t queue = queue_of_depth();
	int inner = epoll_create1(0), outer = epoll_create1(0);
	while (mq_send(queue, "fill", 4, 0) == 0)
		;
	put_into(inner, queue, EPOLLOUT);
	put_into(outer, inner, EPOLLIN | EPOLLET);
	CHECK_EQ(told(outer, 0), 0);
	for (int left = DEPTH; left > 0; left--) {
		queue_expect(queue, "fill", 0);
		CHECK_EQ(told(outer, 15000), 1);
		CHECK_EQ(told(outer, 0), 0);
	}
}
