/* What poll and epoll say follows the queue in both directions, for every process and every
 * call. */
#include "../support/limits.h"
#include "../support/nobody.h"
#include "../support/queue.h"

#include <sys/epoll.h>
#include <sys/select.h>

static int epoll_of(mqd_t queue, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	return epoll;
}

static void arm(int epoll, mqd_t queue, uint32_t events)
{
	struct epoll_event event = { .events = events };
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_MOD, queue, &event));
}

static int waited(int epoll, int ms)
{
	struct epoll_event event = { 0 };
	int count = epoll_wait(epoll, &event, 1, ms);
	CHECK_OK(count);
	return count == 1 ? (int)event.events : 0;
}

/* Takes all there is, in another process. */
static void drained_by_another(mqd_t queue)
{
	pid_t child = check_fork();
	if (child == 0) {
		while (queue_count(queue) > 0)
			queue_take(queue);
		_exit(0);
	}
	check_child(child);
}

static void find_nothing(mqd_t queue)
{
	char got[SMALL_SIZE];
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
}

CASE(mq_epoll_is_quiet_when_another_has_drained_the_queue)
{
	mqd_t queue = queue_small(0);
	int epoll = epoll_of(queue, EPOLLIN);
	for (int round = 0; round < 20; round++) {
		queue_fill(queue);
		CHECK_EQ(waited(epoll, 10000), EPOLLIN);
		drained_by_another(queue);
		CHECK_EQ(waited(epoll, 0), 0);
		CHECK_EQ(queue_events(queue), POLLOUT);
	}
}

CASE(mq_epoll_is_quiet_for_a_process_that_drains_until_eagain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(queue, EPOLLIN);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i <= round % SMALL_DEPTH; i++)
			queue_put(queue, "news", 0);
		CHECK_EQ(waited(epoll, 10000), EPOLLIN);
		for (int i = 0; i <= round % SMALL_DEPTH; i++)
			queue_expect(queue, "news", 0);
		find_nothing(queue);
		CHECK_EQ(waited(epoll, 0), 0);
	}
}

CASE(mq_epoll_tells_of_space_level_by_level)
{
	mqd_t queue = queue_small(0);
	int epoll = epoll_of(queue, EPOLLOUT);
	for (int round = 0; round < 20; round++) {
		CHECK_EQ(waited(epoll, 10000), EPOLLOUT);
		CHECK_EQ(waited(epoll, 0), EPOLLOUT);
		queue_fill(queue);
		CHECK_EQ(waited(epoll, 0), 0);
		queue_expect(queue, "filler", 1);
		CHECK_EQ(waited(epoll, 10000), EPOLLOUT);
		drained_by_another(queue);
	}
}

CASE(mq_epoll_wakes_for_space_in_a_full_queue)
{
	mqd_t queue = queue_small(0);
	int epoll = epoll_of(queue, EPOLLOUT);
	queue_fill(queue);
	pid_t child = check_fork();
	if (child == 0)
		_exit(waited(epoll, -1) != EPOLLOUT);
	queue_await_asleep(child);
	drained_by_another(queue);
	check_child(child);
}

CASE(mq_epoll_oneshot_tells_once_each_time_it_is_armed)
{
	mqd_t queue = queue_small(0);
	int epoll = epoll_of(queue, EPOLLIN | EPOLLONESHOT);
	for (int round = 0; round < 5; round++) {
		queue_put(queue, "news", 0);
		CHECK_EQ(waited(epoll, 10000), EPOLLIN);
		queue_put(queue, "more", 0);
		CHECK_EQ(waited(epoll, 0), 0);
		/* Armed again while there is a message it tells at once. */
		arm(epoll, queue, EPOLLIN | EPOLLONESHOT);
		CHECK_EQ(waited(epoll, 10000), EPOLLIN);
		drained_by_another(queue);
		arm(epoll, queue, EPOLLIN | EPOLLONESHOT);
		CHECK_EQ(waited(epoll, 0), 0);
	}
}

/* The epoll itself is polled, as by a loop within a loop. */
CASE(mq_epoll_that_is_polled_is_quiet_after_a_drain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(queue, EPOLLIN);
	for (int round = 0; round < 20; round++) {
		struct pollfd loop = { epoll, POLLIN, 0 };
		struct timeval at_once = { 0, 0 };
		fd_set set;
		FD_ZERO(&set);
		FD_SET(epoll, &set);
		queue_put(queue, "news", 0);
		CHECK_EQ(poll(&loop, 1, 10000), 1);
		CHECK_EQ(waited(epoll, 0), EPOLLIN);
		queue_expect(queue, "news", 0);
		find_nothing(queue);
		CHECK_EQ(round % 2 ? poll(&loop, 1, 0)
				   : select(epoll + 1, &set, NULL, NULL, &at_once), 0);
	}
}

CASE(mq_epoll_on_edges_tells_of_each_message_into_the_empty_queue)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(queue, EPOLLIN | EPOLLET);
	CHECK_EQ(waited(epoll, 0), 0);
	for (int round = 0; round < 50; round++) {
		queue_put(queue, "news", 0);
		CHECK_EQ(waited(epoll, 10000), EPOLLIN);
		CHECK_EQ(waited(epoll, 0), 0);
		queue_expect(queue, "news", 0);
		find_nothing(queue);
	}
}

CASE(mq_epoll_on_edges_armed_anew_tells_what_is_there)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "news", 0);
	int epoll = epoll_of(queue, EPOLLIN | EPOLLET);
	CHECK_EQ(waited(epoll, 10000), EPOLLIN);
	CHECK_EQ(waited(epoll, 0), 0);
	arm(epoll, queue, EPOLLIN | EPOLLET);
	CHECK_EQ(waited(epoll, 10000), EPOLLIN);
}

CASE(mq_epoll_on_edges_of_two_descriptors_tells_both)
{
	mqd_t queue = queue_small(O_NONBLOCK), other = queue_again(0, O_RDONLY | O_NONBLOCK);
	int first = epoll_of(queue, EPOLLIN | EPOLLET), second = epoll_of(other, EPOLLIN | EPOLLET);
	for (int round = 0; round < 20; round++) {
		queue_put(queue, "news", 0);
		CHECK_EQ(waited(first, 10000), EPOLLIN);
		CHECK_EQ(waited(second, 10000), EPOLLIN);
		queue_expect(other, "news", 0);
		find_nothing(other);
		find_nothing(queue);
	}
}

CASE(mq_epoll_of_both_directions)
{
	mqd_t queue = queue_create(0, O_RDWR, 1, SMALL_SIZE);
	int epoll = epoll_of(queue, EPOLLIN | EPOLLOUT);
	for (int round = 0; round < 10; round++) {
		CHECK_EQ(waited(epoll, 10000), EPOLLOUT);
		queue_put(queue, "news", 0);
		CHECK_EQ(waited(epoll, 10000), EPOLLIN);
		queue_expect(queue, "news", 0);
	}
}

/* Several are told of one message; a receiver that then blocks gets another one. */
CASE(mq_poll_and_receive_by_several_blocking_readers)
{
	enum { READERS = 3, EACH = 300 };
	mqd_t queue = queue_small(0);
	pid_t children[READERS];
	for (int i = 0; i < READERS; i++) {
		children[i] = check_fork();
		for (int k = 0; children[i] == 0 && k < EACH; k++) {
			struct pollfd fd = { queue, POLLIN, 0 };
			CHECK_EQ(poll(&fd, 1, -1), 1);
			queue_take(queue);
		}
		if (children[i] == 0)
			_exit(0);
	}
	for (int k = 0; k < READERS * EACH; k++)
		queue_put(queue, "news", 0);
	for (int i = 0; i < READERS; i++)
		check_child(children[i]);
	CHECK_EQ(queue_events(queue), POLLOUT);
}

CASE(mq_poll_with_one_reader_that_blocks_never_sleeps_in_receive)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		for (int k = 0; k < 5000; k++)
			queue_put(queue, "news", 0);
		_exit(0);
	}
	/* There is no other reader, so what poll has told of is there. */
	for (int k = 0; k < 5000; k++) {
		struct pollfd fd = { queue, POLLIN, 0 };
		CHECK_EQ(poll(&fd, 1, -1), 1);
		CHECK(queue_count(queue) > 0);
		queue_take(queue);
	}
	check_child(child);
}

static void *poll_now(void *queue)
{
	struct pollfd fd = { *(mqd_t *)queue, POLLIN, 0 };
	return (void *)(long)poll(&fd, 1, 0);
}

CASE(mq_first_poll_of_several_threads_at_once_sees_the_message)
{
	enum { THREADS = 4, ROUNDS = 200 };
	for (int round = 0; round < ROUNDS; round++) {
		mqd_t queue = queue_create(0, O_RDWR, 2, 8);
		CHECK_OK(mq_unlink(queue_name(0)));
		queue_put(queue, "x", 0);
		pthread_t threads[THREADS];
		void *count;
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, poll_now, &queue), 0);
		for (int i = 0; i < THREADS; i++) {
			CHECK_EQ(pthread_join(threads[i], &count), 0);
			CHECK_EQ((long)count, 1);
		}
		CHECK_OK(mq_close(queue));
	}
}

/* Pipes until the kernel gives the next ones less than 64 KiB: from then on their user has too
 * many. */
static int make_small_pipes(int (*ends)[2], int limit)
{
	int count = 0;
	do {
		if (pipe(ends[count]) != 0)
			CHECK_SKIP("this machine lets nobody have so many pipes");
		count++;
	} while (count < limit && fcntl(ends[count - 1][0], F_GETPIPE_SZ) == 65536);
	if (count == limit)
		CHECK_SKIP("the user may have any number of pipes");
	return count;
}

/* A user of its own, with too many pipes: the kernel counts those of all processes of a user.
 * Their number. */
static int become_user_of_small_pipes(int (*ends)[2], int limit)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can become another user");
	limit_to(RLIMIT_NOFILE, 2 * limit + 100);
	uid_t user = 1000000 + (uid_t)getpid();
	become_user(user, user);
	return make_small_pipes(ends, limit);
}

enum { LIMIT = 2000 };

CASE(mq_poll_knows_a_full_queue_that_was_made_beside_too_many_pipes)
{
	static int ends[LIMIT][2];
	int count = become_user_of_small_pipes(ends, LIMIT);
	mqd_t queue = queue_small(O_NONBLOCK);
	/* What is asked of an epoll is the kernel's answer alone. */
	struct pollfd inner = { epoll_of(queue, EPOLLOUT), POLLIN, 0 };
	CHECK_EQ(poll(&inner, 1, 0), 1);
	for (int i = 0; i < count; i++) {
		CHECK_OK(close(ends[i][0]));
		CHECK_OK(close(ends[i][1]));
	}
	queue_fill(queue);
	CHECK_EQ(poll(&inner, 1, 0), 0);
	queue_take(queue);
	CHECK_EQ(poll(&inner, 1, 0), 1);
}

/* Its FIFO cannot show that it is full. */
CASE(mq_poll_for_space_sleeps_beside_too_many_pipes)
{
	static int ends[LIMIT][2];
	become_user_of_small_pipes(ends, LIMIT);
	mqd_t queue = queue_small(O_NONBLOCK);
	queue_fill(queue);
	struct pollfd out = { queue, POLLOUT, 0 };
	/* A call that asked the kernel again and again would use it up. */
	limit_to(RLIMIT_CPU, 1);
	CHECK_EQ(poll(&out, 1, 4000), 0);
	queue_take(queue);
	CHECK_EQ(poll(&out, 1, -1), 1);
	CHECK_EQ(out.revents, POLLOUT);
}
