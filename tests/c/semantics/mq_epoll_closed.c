/* epoll on a queue whose descriptor has been closed: while a copy of it is open, the epoll goes on
 * to report the queue, as it is. */
#include "../support/queue.h"

#include <sys/epoll.h>

static mqd_t queue;
static int copy, epoll;

static void set_up(void)
{
	struct epoll_event want = { .events = EPOLLIN }, seen;
	queue = queue_small(O_NONBLOCK);
	epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	copy = dup(queue);
	CHECK_OK(copy);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
}

static void is_reported_as_it_is(void)
{
	struct epoll_event seen;
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 5), 0);
		queue_put(copy, "one", 0);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
		queue_take(copy);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 5), 0);
	}
}

static void by_close(void)
{
	CHECK_OK(close(queue));
}

static void by_mq_close(void)
{
	CHECK_OK(mq_close(queue));
}

static void by_close_range(void)
{
	CHECK_OK(close_range((unsigned)queue, (unsigned)queue, 0));
}

static void by_dup2(void)
{
	CHECK_EQ(dup2(2, queue), queue);
}

static void by_dup2_of_another_queue(void)
{
	mqd_t other = queue_create(1, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	CHECK_EQ(dup2(other, queue), queue);
}

static void (*const ways[])(void) = { by_close, by_mq_close, by_close_range, by_dup2,
				      by_dup2_of_another_queue };
enum { WAYS = sizeof ways / sizeof ways[0] };

static void clean_up(void)
{
	CHECK_OK(close(copy));
	CHECK_OK(close(epoll));
	for (int i = 0; i < 2; i++)
		CHECK(mq_unlink(queue_name(i)) == 0 || errno == ENOENT);
}

CASE(mq_epoll_of_a_closed_descriptor_reports_the_queue_as_it_is)
{
	for (int i = 0; i < WAYS; i++) {
		set_up();
		ways[i]();
		is_reported_as_it_is();
		clean_up();
	}
}

/* By then the queue has been drained, and the epoll was to look. */
CASE(mq_epoll_of_a_descriptor_that_is_closed_behind_the_last_receipt)
{
	for (int i = 0; i < WAYS; i++) {
		struct epoll_event seen;
		set_up();
		queue_put(copy, "one", 0);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
		queue_take(copy);
		ways[i]();
		is_reported_as_it_is();
		clean_up();
	}
}

/* poll(2) looks before it sleeps, and the epoll does not. */
CASE(mq_epoll_of_a_closed_descriptor_beside_poll)
{
	struct epoll_event seen;
	set_up();
	by_close();
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(queue_events(copy), POLLOUT);
		queue_put(copy, "one", 0);
		CHECK_EQ(queue_events(copy), POLLIN | POLLOUT);
		queue_take(copy);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 5), 0);
	}
}

/* The library must not keep the program's own description open, whatever the process has done
 * before. */
CASE(mq_epoll_forgets_a_queue_closed_after_a_registration_with_another)
{
	mqd_t other = queue_create(1, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	struct sigevent quiet = { .sigev_notify = SIGEV_NONE };
	CHECK_OK(mq_notify(other, &quiet));
	CHECK_OK(mq_close(other));

	struct epoll_event want = { .events = EPOLLIN }, seen;
	queue = queue_small(O_NONBLOCK);
	mqd_t reader = mq_open(queue_name(0), O_RDWR | O_NONBLOCK);
	CHECK_OK(reader);
	queue_put(queue, "one", 0);
	epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, reader, &want));
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 1);
	CHECK_OK(close(reader));
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
	queue_put(queue, "two", 0);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 5), 0);
}
