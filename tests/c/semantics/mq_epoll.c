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

/* A descriptor that is readable. */
static int readable(void)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	return ends[0];
}

static void tells_of_one(int epoll, uint64_t data)
{
	struct epoll_event seen[4];
	CHECK_EQ(epoll_wait(epoll, seen, 4, 15000), 1);
	CHECK_EQ(seen[0].data.u64, data);
	CHECK_EQ(seen[0].events, EPOLLIN);
}

CASE(mq_epoll_tells_another_descriptor_with_the_data_of_a_queue)
{
	struct epoll_event want = { .events = EPOLLIN, .data.u64 = 5 };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue_small(0), &want));
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, readable(), &want));
	tells_of_one(epoll, 5);
}

CASE(mq_epoll_tells_another_descriptor_with_the_data_of_a_queue_that_was_removed)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLIN, .data.u64 = 5 };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, queue, NULL));
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, readable(), &want));
	tells_of_one(epoll, 5);
}

CASE(mq_epoll_ctl_that_fails_takes_no_event_from_another_descriptor)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLIN, .data.u64 = 5 };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, readable(), &want));
	CHECK_FAILS(epoll_ctl(epoll, EPOLL_CTL_MOD, queue, &want), ENOENT);
	tells_of_one(epoll, 5);
}

/* Its description lives on, and the number of the descriptor means another queue. */
CASE(mq_epoll_tells_a_closed_descriptor_that_has_a_duplicate)
{
	mqd_t one = queue_small(0);
	struct epoll_event want = { .events = EPOLLIN, .data.u64 = 5 };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, one, &want));
	CHECK_OK(dup(one));
	CHECK_OK(mq_close(one));
	CHECK_EQ(queue_create(1, O_RDWR, 2, 8), one);
	CHECK_FAILS(epoll_ctl(epoll, EPOLL_CTL_MOD, one, &want), ENOENT);
	queue_put(queue_again(0, O_WRONLY), "one", 0);
	tells_of_one(epoll, 5);
}
