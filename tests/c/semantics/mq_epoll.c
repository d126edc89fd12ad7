/* epoll on a queue: levels last, edges come once. */
#include "../support/queue.h"

#include <sys/epoll.h>

CASE(mq_epoll_tells_a_level_again_and_again)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLIN }, seen;
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
	queue_put(queue, "one", 0);
	queue_put(queue, "two", 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
	queue_take(queue);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
	queue_take(queue);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
}

CASE(mq_epoll_tells_an_edge_once)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLIN | EPOLLET }, seen;
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	for (int i = 0; i < 5; i++) {
		queue_put(queue, "edge", 0);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 20), 0);
		queue_take(queue);
	}
}

CASE(mq_epoll_tells_the_edge_of_space_once)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLOUT | EPOLLET }, seen;
	int epoll = epoll_create1(0);
	queue_fill(queue);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
	for (int i = 0; i < 5; i++) {
		queue_take(queue);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 20), 0);
		queue_fill(queue);
	}
}
