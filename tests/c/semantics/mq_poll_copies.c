/* A descriptor of a queue is polled before anything else is done with it, however it came: by
 * fcntl, over exec, through a socket, over daemon(3). And what was set up before a fork goes on in
 * the child. */
#include "../support/limits.h"
#include "../support/queue.h"
#include "../support/scm.h"

#include <sys/epoll.h>
#include <sys/socket.h>

enum way { BY_POLL, BY_EPOLL, BY_SELECT, WAYS };

/* Waits until the queue can be read. */
static void wait_readable(mqd_t queue, enum way way)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	struct epoll_event event = { .events = EPOLLIN, .data.fd = queue };
	fd_set in;
	int epoll = epoll_create1(0);
	switch (way) {
	case BY_POLL:
		CHECK_EQ(poll(&fd, 1, -1), 1);
		CHECK_EQ(fd.revents, POLLIN);
		break;
	case BY_EPOLL:
		CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
		CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
		CHECK_EQ(event.events, EPOLLIN);
		break;
	default:
		FD_ZERO(&in);
		FD_SET(queue, &in);
		CHECK_EQ(select(queue + 1, &in, NULL, NULL, NULL), 1);
		CHECK(FD_ISSET(queue, &in));
	}
	CHECK_OK(close(epoll));
}

/* A process that sends when this one sleeps. `fd` is not the descriptor that is polled. */
static pid_t send_when_asleep(mqd_t fd, pid_t sleeper)
{
	pid_t child = check_fork();
	if (child == 0) {
		queue_await_asleep(sleeper);
		queue_put(fd, "news", 0);
		_exit(0);
	}
	return child;
}

/* A child that has the queue under another number only, which `copy` makes, and polls it first. */
static void copy_is_polled_first(int (*copy)(int))
{
	for (enum way way = BY_POLL; way < WAYS; way++) {
		mqd_t queue = queue_create(0, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
		CHECK_OK(mq_unlink(queue_name(0)));
		pid_t poller = check_fork();
		if (poller == 0) {
			int other = copy(queue);
			CHECK_OK(other);
			CHECK_OK(close(queue));
			wait_readable(other, way);
			queue_expect(other, "news", 0);
			CHECK_EQ(queue_events(other), POLLOUT);
			_exit(0);
		}
		check_child(send_when_asleep(queue, poller));
		check_child(poller);
		CHECK_OK(mq_close(queue));
	}
}

static int by_dupfd(int fd)
{
	return fcntl(fd, F_DUPFD, 100);
}

static int by_dupfd_cloexec(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int by_system_call(int fd)
{
	return (int)syscall(SYS_dup, fd);
}

static int by_dup(int fd)
{
	return dup(fd);
}

CASE(mq_poll_comes_first_after_f_dupfd)
{
	copy_is_polled_first(by_dupfd);
}

CASE(mq_poll_comes_first_after_f_dupfd_cloexec)
{
	copy_is_polled_first(by_dupfd_cloexec);
}

CASE(mq_poll_comes_first_after_a_dup_by_system_call)
{
	copy_is_polled_first(by_system_call);
}

CASE(mq_poll_comes_first_after_dup)
{
	copy_is_polled_first(by_dup);
}

/* Sent to this very process. */
static int through_a_socket(int fd)
{
	int ends[2];
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	scm_send(ends[0], fd);
	int received = scm_receive(ends[1]);
	CHECK_OK(close(ends[0]));
	CHECK_OK(close(ends[1]));
	return received;
}

CASE(mq_poll_comes_first_after_scm_rights)
{
	copy_is_polled_first(through_a_socket);
}

/* A process that has nothing to do with the queue but a socket through which it comes. */
CASE(mq_poll_comes_first_in_a_process_that_was_sent_the_queue)
{
	int ends[2];
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	pid_t receiver = check_fork();
	if (receiver == 0) {
		mqd_t queue = scm_receive(ends[1]);
		wait_readable(queue, BY_POLL);
		queue_expect(queue, "news", 0);
		queue_put(queue, "answer", 1);
		_exit(0);
	}
	mqd_t queue = queue_small(0);
	scm_send(ends[0], queue);
	pause_ms(50);
	queue_await_asleep(receiver);
	queue_put(queue, "news", 0);
	check_child(receiver);
	queue_expect(queue, "answer", 1);
}

/* Runs the same case again in a new program, which has the queue under this number, and this limit
 * of descriptors. */
static void is_polled_first_after_limited_exec(const char *name, int kept, rlim_t limit)
{
	static const char role[] = "CHECK_INHERITED_QUEUE";
	if (getenv(role)) {
		wait_readable(kept, BY_POLL);
		queue_expect(kept, "news", 0);
		CHECK_EQ(queue_events(kept), POLLOUT);
		return;
	}
	mqd_t queue = queue_small(0);
	pid_t poller = check_fork();
	if (poller == 0) {
		CHECK_EQ(dup2(queue, kept), kept);
		CHECK_OK(setenv(role, "1", 1));
		limit_to(RLIMIT_NOFILE, limit);
		execl("/proc/self/exe", "again", name, NULL);
		_exit(1);
	}
	pause_ms(100);
	queue_put(queue, "news", 0);
	check_child(poller);
	CHECK_EQ(queue_count(queue), 0);
}

static void is_polled_first_after_exec(const char *name, int kept)
{
	is_polled_first_after_limited_exec(name, kept, 1024);
}

CASE(mq_poll_comes_first_after_exec)
{
	is_polled_first_after_exec("mq_poll_comes_first_after_exec", 77);
}

CASE(mq_poll_comes_first_after_exec_with_the_queue_as_standard_input)
{
	const char *name = "mq_poll_comes_first_after_exec_with_the_queue_as_standard_input";
	is_polled_first_after_exec(name, STDIN_FILENO);
}

CASE(mq_poll_comes_first_after_exec_with_a_low_limit_of_descriptors)
{
	const char *name = "mq_poll_comes_first_after_exec_with_a_low_limit_of_descriptors";
	is_polled_first_after_limited_exec(name, 77, 100);
}

/* The queue itself is beyond the limit. */
CASE(mq_poll_comes_first_after_exec_with_the_queue_beyond_the_limit)
{
	const char *name = "mq_poll_comes_first_after_exec_with_the_queue_beyond_the_limit";
	is_polled_first_after_limited_exec(name, 77, 32);
}
