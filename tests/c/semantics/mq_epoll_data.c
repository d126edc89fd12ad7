/* An epoll reports the data that the program has chosen for a descriptor. Several descriptors may
 * have the same data, and an epoll may have the number of one that was closed. */
#include "../support/queue.h"

#include <sys/epoll.h>

enum { PATIENCE = 15000 };

static int new_epoll(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_OK(epoll);
	return epoll;
}

/* For messages, with the same data as all others. */
static void watch(int epoll, int fd)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = 7 };
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
}

static void tells(int epoll)
{
	struct epoll_event told;
	CHECK_EQ(epoll_wait(epoll, &told, 1, PATIENCE), 1);
	CHECK_EQ(told.events, EPOLLIN);
	CHECK_EQ(told.data.u64, 7);
}

static void tells_nothing(int epoll)
{
	CHECK_EQ(epoll_wait(epoll, &(struct epoll_event){ 0 }, 1, 0), 0);
}

/* A pipe with a byte in it. */
static int full_pipe(void)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	return ends[0];
}

CASE(mq_epoll_of_two_queues_with_the_same_data_tells_of_each)
{
	mqd_t queues[2] = { queue_small(0), queue_create(1, O_RDWR, SMALL_DEPTH, SMALL_SIZE) };
	int epoll = new_epoll();
	watch(epoll, queues[0]);
	watch(epoll, queues[1]);
	for (int i = 0; i < 6; i++) {
		tells_nothing(epoll);
		queue_put(queues[i % 2], "here", 0);
		tells(epoll);
		queue_take(queues[i % 2]);
	}
}

/* More often than any knowledge of the set is believed. */
static void tells_of_all_that_comes(int epoll, mqd_t queue)
{
	for (int i = 0; i < 150; i++) {
		tells_nothing(epoll);
		queue_put(queue, "here", 0);
		tells(epoll);
		queue_take(queue);
	}
}

CASE(mq_epoll_of_queues_with_the_same_data_tells_of_the_one_that_is_left)
{
	mqd_t left = queue_small(0);
	mqd_t removed = queue_create(1, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	mqd_t removed_by_child = queue_create(2, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	mqd_t closed = queue_create(3, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	int epoll = new_epoll();
	watch(epoll, left);
	watch(epoll, removed);
	watch(epoll, removed_by_child);
	watch(epoll, closed);
	tells_of_all_that_comes(epoll, left);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, removed, NULL));
	CHECK_OK(mq_close(closed));
	tells_of_all_that_comes(epoll, left);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, removed_by_child, NULL));
		_exit(0);
	}
	check_child(child);
	queue_put(removed, "not here", 0);
	queue_put(removed_by_child, "not here", 0);
	tells_of_all_that_comes(epoll, left);
}

CASE(mq_epoll_of_a_queue_and_a_pipe_with_the_same_data_tells_of_the_pipe)
{
	mqd_t queue = queue_small(0);
	int epoll = new_epoll();
	watch(epoll, queue);
	tells_nothing(epoll);
	watch(epoll, full_pipe());
	tells(epoll);
}

CASE(mq_epoll_with_the_number_of_a_closed_one_tells_of_a_pipe)
{
	mqd_t queue = queue_small(0);
	int epoll = new_epoll();
	watch(epoll, queue);
	tells_nothing(epoll);
	CHECK_OK(close(epoll));
	CHECK_EQ(new_epoll(), epoll);
	watch(epoll, full_pipe());
	tells(epoll);
}

CASE(mq_epoll_tells_of_a_pipe_in_the_place_of_a_queue_that_was_removed)
{
	mqd_t queue = queue_small(0);
	int epoll = new_epoll();
	watch(epoll, queue);
	tells_nothing(epoll);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, queue, NULL));
	watch(epoll, full_pipe());
	tells(epoll);
}

CASE(mq_epoll_ctl_that_fails_takes_no_event_from_another_descriptor)
{
	mqd_t queue = queue_small(0);
	struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = 7 };
	int epoll = new_epoll();
	watch(epoll, full_pipe());
	CHECK_FAILS(epoll_ctl(epoll, EPOLL_CTL_MOD, queue, &wanted), ENOENT);
	tells(epoll);
}

/* Its description lives on, and the number of the descriptor means another queue. */
CASE(mq_epoll_tells_of_a_closed_descriptor_that_has_a_duplicate)
{
	mqd_t queue = queue_small(0);
	struct epoll_event wanted = { .events = EPOLLIN, .data.u64 = 7 };
	int epoll = new_epoll();
	watch(epoll, queue);
	CHECK_OK(dup(queue));
	CHECK_OK(mq_close(queue));
	CHECK_EQ(queue_create(1, O_RDWR, SMALL_DEPTH, SMALL_SIZE), queue);
	CHECK_FAILS(epoll_ctl(epoll, EPOLL_CTL_MOD, queue, &wanted), ENOENT);
	queue_put(queue_again(0, O_WRONLY), "here", 0);
	tells(epoll);
}
