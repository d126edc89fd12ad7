/* What an epoll or a poll was told before a fork holds in the child, and when the parent is gone,
 * too: daemon(3). */
#include "../support/queue.h"

#include <sys/epoll.h>

static int epoll_of(mqd_t queue, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	return epoll;
}

static int waited(int epoll, int ms)
{
	struct epoll_event event = { 0 };
	int count = epoll_wait(epoll, &event, 1, ms);
	CHECK_OK(count);
	return count == 1 ? (int)event.events : 0;
}

/* The process that makes `before` forks, and is gone before its child makes `body`. */
static void as_daemon(mqd_t queue, void (*before)(mqd_t), void (*body)(mqd_t))
{
	atomic_int *done = shared_memory(sizeof *done);
	pid_t parent = check_fork();
	if (parent == 0) {
		before(queue);
		if (check_fork() == 0) {
			CHECK_SOON(atomic_load(done) == 1);
			body(queue);
			atomic_store(done, 2);
		}
		_exit(0);
	}
	check_child(parent);
	atomic_store(done, 1);
	CHECK_SOON(atomic_load(done) == 2);
}

static int epoll;

static void set_up_epoll(mqd_t queue)
{
	epoll = epoll_of(queue, EPOLLIN);
}

static void poll_once(mqd_t queue)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 0), 0);
}

static void send_when_asleep(mqd_t queue)
{
	pid_t self = getpid();
	if (check_fork() == 0) {
		queue_await_asleep(self);
		queue_put(queue, "news", 0);
		_exit(0);
	}
}

static void waits_with_epoll(mqd_t queue)
{
	for (int round = 0; round < 3; round++) {
		send_when_asleep(queue);
		CHECK_EQ(waited(epoll, -1), EPOLLIN);
		queue_expect(queue, "news", 0);
		/* A receiver that does not block has to look whether there is more. */
		if (fcntl(queue, F_GETFL) & O_NONBLOCK)
			CHECK_FAILS(mq_receive(queue, (char[SMALL_SIZE]){ 0 }, SMALL_SIZE, NULL),
				    EAGAIN);
		CHECK_EQ(waited(epoll, 0), 0);
	}
}

static void waits_with_poll(mqd_t queue)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	send_when_asleep(queue);
	CHECK_EQ(poll(&fd, 1, -1), 1);
}

CASE(mq_epoll_set_up_before_daemon_goes_on)
{
	as_daemon(queue_small(0), set_up_epoll, waits_with_epoll);
}

CASE(mq_epoll_of_a_nonblocking_queue_set_up_before_daemon_goes_on)
{
	as_daemon(queue_small(O_NONBLOCK), set_up_epoll, waits_with_epoll);
}

CASE(mq_poll_before_daemon_and_after)
{
	as_daemon(queue_small(0), poll_once, waits_with_poll);
}

/* The process does not look for longer than anything that might run out in the library. */
static void waits_after_a_while(mqd_t queue)
{
	pause_ms(3500);
	waits_with_epoll(queue);
}

CASE(mq_epoll_goes_on_after_seconds_without_a_look)
{
	as_daemon(queue_small(0), set_up_epoll, waits_after_a_while);
}

static void sleeps_for_seconds(mqd_t queue)
{
	pid_t self = getpid();
	if (check_fork() == 0) {
		queue_await_asleep(self);
		pause_ms(3500);
		queue_put(queue, "news", 0);
		_exit(0);
	}
	CHECK_EQ(waited(epoll, -1), EPOLLIN);
}

CASE(mq_epoll_that_sleeps_for_seconds_is_woken)
{
	as_daemon(queue_small(0), set_up_epoll, sleeps_for_seconds);
}

/* Both have the same epoll; both are woken. */
CASE(mq_epoll_shared_by_parent_and_child_wakes_both)
{
	mqd_t queue = queue_small(0);
	int shared = epoll_of(queue, EPOLLIN);
	pid_t children[2];
	for (int i = 0; i < 2; i++) {
		children[i] = check_fork();
		if (children[i] == 0)
			_exit(waited(shared, -1) != EPOLLIN);
		queue_await_asleep(children[i]);
	}
	queue_put(queue, "news", 0);
	check_child(children[0]);
	check_child(children[1]);
	CHECK_EQ(waited(shared, 0), EPOLLIN);
}

/* The descriptor is closed; the epoll still knows the queue by the duplicate, which is never
 * polled. */
CASE(mq_epoll_goes_on_when_a_duplicate_is_all_that_is_left)
{
	mqd_t queue = queue_small(0), writer = queue_again(0, O_WRONLY);
	int shared = epoll_of(queue, EPOLLIN), copy = fcntl(queue, F_DUPFD_CLOEXEC, 50);
	CHECK_OK(copy);
	CHECK_OK(close(queue));
	CHECK_EQ(waited(shared, 0), 0);
	queue_put(writer, "news", 0);
	CHECK_EQ(waited(shared, 10000), EPOLLIN);
	CHECK_OK(close(copy));
	/* With its last descriptor it leaves the epoll. */
	CHECK_EQ(waited(shared, 0), 0);
}

CASE(mq_epoll_of_a_queue_in_an_epoll)
{
	mqd_t queue = queue_small(0);
	int inner = epoll_of(queue, EPOLLIN), outer = epoll_of(inner, EPOLLIN);
	CHECK_EQ(waited(outer, 0), 0);
	send_when_asleep(queue);
	CHECK_EQ(waited(outer, -1), EPOLLIN);
	queue_expect(queue, "news", 0);
	CHECK_EQ(waited(outer, 0), 0);
}
