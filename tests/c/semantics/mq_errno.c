/* A call that succeeds leaves errno alone: each function, and each way through it. */
#include "../support/asleep.h"
#include "../support/notify.h"
#include "../support/untouched.h"

#include <sys/epoll.h>
#include <sys/stat.h>

static mqd_t queue;
static char got[SMALL_SIZE];
static unsigned priority;

CASE(mq_open_keeps_errno)
{
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	const char *name = queue_name(0);
	CHECK_KEEPS(queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr));
	CHECK_KEEPS(mq_open(name, O_RDWR));
	CHECK_KEEPS(mq_open(name, O_CREAT | O_RDONLY, 0600, &attr));
	CHECK_KEEPS(mq_open(queue_name(1), O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL));
	CHECK_KEEPS(mq_unlink(name));
	CHECK_KEEPS(mq_unlink(queue_name(1)));
	CHECK_KEEPS(mq_close(queue));
}

CASE(mq_calls_that_do_not_wait_keep_errno)
{
	struct timespec late = deadline_ms(60000);
	struct mq_attr attr, old;
	queue = queue_small(0);
	for (int i = 0; i < SMALL_DEPTH; i++)
		CHECK_KEEPS(mq_send(queue, "news", 4, (unsigned)i));
	for (int i = 0; i < SMALL_DEPTH; i++)
		CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
	CHECK_KEEPS(mq_timedsend(queue, "news", 4, 1, &late));
	CHECK_KEEPS(mq_timedreceive(queue, got, sizeof got, &priority, &late));
	CHECK_KEEPS(mq_send(queue, "", 0, 1));
	CHECK_KEEPS(mq_receive(queue, got, sizeof got, NULL));
	CHECK_KEEPS(mq_getattr(queue, &attr));
	CHECK_KEEPS(mq_setattr(queue, &attr, NULL));
	attr.mq_flags = O_NONBLOCK;
	CHECK_KEEPS(mq_setattr(queue, &attr, &old));
}

/* So long after the child's beginning it does its part: before the wait spins, sleeps, or looks
 * again. */
static const long delays_ms[] = { 0, 1, 5, 40, 1300 };
enum { DELAYS = sizeof delays_ms / sizeof delays_ms[0] };

static pid_t later(long ms, void (*body)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		pause_ms(ms);
		body();
		_exit(0);
	}
	return child;
}

static void send_news(void)
{
	queue_put(queue, "news", 1);
}

static void take_one(void)
{
	queue_expect(queue, "filler", 1);
}

CASE(mq_receive_that_waits_keeps_errno)
{
	queue = queue_small(0);
	for (int i = 0; i < DELAYS; i++) {
		struct timespec late = deadline_ms(60000);
		pid_t child = later(delays_ms[i], send_news);
		CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
		check_child(child);
		child = later(delays_ms[i], send_news);
		CHECK_KEEPS(mq_timedreceive(queue, got, sizeof got, &priority, &late));
		check_child(child);
	}
}

CASE(mq_send_that_waits_keeps_errno)
{
	queue = queue_small(0);
	queue_fill(queue);
	for (int i = 0; i < DELAYS; i++) {
		struct timespec late = deadline_ms(60000);
		pid_t child = later(delays_ms[i], take_one);
		CHECK_KEEPS(mq_send(queue, "filler", 6, 1));
		check_child(child);
		child = later(delays_ms[i], take_one);
		CHECK_KEEPS(mq_timedsend(queue, "filler", 6, 1, &late));
		check_child(child);
	}
}

static void wake_sleeper(void)
{
	CHECK_OK(mq_receive(queue, got, sizeof got, &priority));
}

CASE(mq_calls_that_wake_a_thread_keep_errno)
{
	queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		wake_sleeper();
		_exit(0);
	}
	queue_await_asleep(child);
	CHECK_KEEPS(mq_send(queue, "news", 4, 0));
	check_child(child);
	queue_fill(queue);
	child = check_fork();
	if (child == 0) {
		queue_put(queue, "filler", 1);
		_exit(0);
	}
	queue_await_asleep(child);
	CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
	check_child(child);
}

CASE(mq_polls_keep_errno)
{
	queue = queue_small(0);
	struct pollfd fd = { queue, POLLIN, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	fd_set in;
	int epoll = epoll_create1(0);
	CHECK_KEEPS(poll(&fd, 1, 0));
	CHECK_KEEPS(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	CHECK_KEEPS(mq_send(queue, "news", 4, 0));
	CHECK_KEEPS(poll(&fd, 1, -1));
	CHECK_KEEPS(ppoll(&fd, 1, NULL, NULL));
	CHECK_KEEPS(epoll_wait(epoll, &event, 1, -1));
	FD_ZERO(&in);
	FD_SET(queue, &in);
	CHECK_KEEPS(select(queue + 1, &in, NULL, NULL, NULL));
	CHECK_KEEPS(pselect(queue + 1, &in, NULL, NULL, NULL, NULL));
	CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
	CHECK_KEEPS(poll(&fd, 1, 1));
	queue_fill(queue);
	CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
}

/* Descriptors that are not in use are asked about again and again. */
CASE(mq_polls_with_descriptors_not_in_use_keep_errno)
{
	enum { UNUSED = 900 };
	queue = queue_small(0);
	struct pollfd fds[] = { { queue, POLLOUT, 0 }, { UNUSED, POLLIN, 0 } };
	for (int i = 0; i < 2; i++) {
		CHECK_KEEPS(poll(fds, 2, 0));
		CHECK_EQ(fds[1].revents, POLLNVAL);
		CHECK_KEEPS(poll(fds, 2, -1));
		CHECK_KEEPS(ppoll(fds, 2, NULL, NULL));
	}
}

static void do_nothing(union sigval value)
{
	(void)value;
}

CASE(mq_notify_keeps_errno)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct sigevent thread = { .sigev_notify = SIGEV_THREAD,
				   .sigev_notify_function = do_nothing };
	queue = queue_for_notes(0);
	CHECK_KEEPS(mq_notify(queue, &none));
	CHECK_KEEPS(mq_notify(queue, NULL));
	CHECK_KEEPS(mq_notify(queue, NULL));
	CHECK_KEEPS(ask_for_note(queue, 1));
	CHECK_KEEPS(mq_send(queue, "news", 4, 0));
	expect_note();
	CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
	CHECK_KEEPS(mq_notify(queue, &thread));
	CHECK_KEEPS(mq_send(queue, "news", 4, 0));
	CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
	CHECK_KEEPS(ask_for_note(queue, 1));
	CHECK_KEEPS(mq_close(queue));
}

CASE(mqd_calls_on_descriptors_keep_errno)
{
	struct stat status;
	int copy;
	queue = queue_small(0);
	CHECK_KEEPS(copy = dup(queue));
	CHECK_KEEPS(dup2(queue, copy));
	CHECK_KEEPS(dup2(queue, queue));
	CHECK_KEEPS(dup3(2, copy, O_CLOEXEC));
	CHECK_KEEPS(dup2(queue, copy));
	CHECK_KEEPS(fstat(queue, &status));
	CHECK_KEEPS(fchmod(queue, 0600));
	CHECK_KEEPS(fchown(queue, (uid_t)-1, (gid_t)-1));
	CHECK_KEEPS(fcntl(queue, F_GETFL));
	CHECK_KEEPS(close(copy));
	CHECK_KEEPS(copy = fcntl(queue, F_DUPFD_CLOEXEC, 90));
	CHECK_KEEPS(mq_send(copy, "news", 4, 0));
	CHECK_KEEPS(close_range(90, 200, 0));
	CHECK_KEEPS(close(queue));
	errno = UNTOUCHED;
	closefrom(3);
	CHECK_EQ(errno, UNTOUCHED);
	CHECK_KEEPS(close_range(3, ~0u, 0));
}

CASE(mq_fork_keeps_errno)
{
	queue = queue_small(0);
	errno = UNTOUCHED;
	pid_t child = fork();
	CHECK_EQ(errno, UNTOUCHED);
	if (child == 0) {
		CHECK_KEEPS(mq_send(queue, "news", 4, 0));
		_exit(0);
	}
	check_child(child);
	CHECK_KEEPS(mq_receive(queue, got, sizeof got, &priority));
}
