/* Calls on descriptors that fail, or close nothing, change nothing of a queue. */
#include "../support/limits.h"
#include "../support/queue.h"
#include "../support/refuse.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

static void still_works(mqd_t queue)
{
	queue_put(queue, "there", 1);
	queue_expect(queue, "there", 1);
}

CASE(mqd_survives_a_dup3_with_flags_that_are_none)
{
	mqd_t queue = queue_small(0);
	CHECK_FAILS(dup3(0, queue, 0x1234), EINVAL);
	still_works(queue);
}

CASE(mqd_survives_a_dup_of_what_is_not_open)
{
	mqd_t queue = queue_small(0);
	CHECK_FAILS(dup2(900, queue), EBADF);
	CHECK_FAILS(dup3(900, queue, 0), EBADF);
	still_works(queue);
}

CASE(mqd_survives_a_dup_to_itself)
{
	mqd_t queue = queue_small(0);
	CHECK_EQ(dup2(queue, queue), queue);
	still_works(queue);
	CHECK_FAILS(dup3(queue, queue, 0), EINVAL);
	still_works(queue);
}

CASE(mqd_survives_a_close_range_that_fails)
{
	mqd_t queue = queue_small(0);
	CHECK_FAILS(close_range((unsigned)queue, 0, 0), EINVAL);
	CHECK_FAILS(close_range(0, ~0U, 1 << 20), EINVAL);
	still_works(queue);
}

CASE(mqd_survives_a_close_range_that_only_marks)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(fcntl(queue, F_SETFD, 0));
	CHECK_OK(close_range((unsigned)queue, (unsigned)queue, CLOSE_RANGE_CLOEXEC));
	CHECK_EQ(fcntl(queue, F_GETFD), FD_CLOEXEC);
	still_works(queue);
}

static void *close_for_itself(void *queue)
{
	unsigned fd = (unsigned)*(mqd_t *)queue;
	return close_range(fd, fd, CLOSE_RANGE_UNSHARE) == 0 ? NULL : queue;
}

CASE(mqd_survives_a_thread_that_closes_it_for_itself)
{
	mqd_t queue = queue_small(0);
	pthread_t thread;
	void *failed;
	CHECK_EQ(pthread_create(&thread, NULL, close_for_itself, &queue), 0);
	CHECK_EQ(pthread_join(thread, &failed), 0);
	CHECK(!failed);
	still_works(queue);
}

CASE(mqd_is_closed_by_a_thread_alone_that_unshares)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(close_range((unsigned)queue, (unsigned)queue, CLOSE_RANGE_UNSHARE));
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
}

/* The process has descriptors that it does not know of, for what polls. They are not in its way,
 * nor it in theirs. */
static mqd_t polled_queue(void)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 1), 0);
	queue_put(queue, "one", 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	queue_take(queue);
	return queue;
}

static void polls_on(mqd_t queue)
{
	CHECK_EQ(queue_events(queue), POLLOUT);
	queue_put(queue, "one", 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	queue_take(queue);
	CHECK_EQ(queue_events(queue), POLLOUT);
}

CASE(mqd_is_polled_on_after_all_others_were_closed)
{
	mqd_t queue = polled_queue();
	for (int fd = 3; fd < 1024; fd++)
		if (fd != queue)
			CHECK(close(fd) == 0 || errno == EBADF);
	polls_on(queue);
	CHECK_OK(close_range((unsigned)queue + 1, ~0U, 0));
	polls_on(queue);
	closefrom(queue + 1);
	polls_on(queue);
}

CASE(mqd_is_polled_on_after_all_numbers_were_taken)
{
	mqd_t queue = polled_queue();
	for (int fd = 3; fd < 1024; fd++)
		if (fd != queue)
			CHECK_EQ(dup2(0, fd), fd);
	polls_on(queue);
}

CASE(mqd_is_polled_on_after_all_numbers_below_the_limit_were_taken)
{
	limit_to(RLIMIT_NOFILE, 1024);
	mqd_t queue = polled_queue();
	for (int fd = 3; fd < 1024; fd++)
		if (fd != queue)
			CHECK_EQ(dup2(0, fd), fd);
	polls_on(queue);
	for (int fd = 3; fd < 1024; fd++)
		if (fd != queue)
			CHECK_OK(close(fd));
	polls_on(queue);
}

/* A program that looks which numbers are in use. */
CASE(mqd_is_the_only_descriptor_that_a_polling_program_sees)
{
	for (int fd = 3; fd < 1100; fd++)
		close(fd);
	mqd_t queue = polled_queue();
	for (int fd = 3; fd < 1100; fd++) {
		int arguments = 0;
		if (fd == queue)
			continue;
		CHECK_FAILS(fcntl(fd, F_GETFD), EBADF);
		CHECK_FAILS(fcntl(fd, F_GETFL), EBADF);
		CHECK_FAILS(fcntl(fd, F_DUPFD, 0), EBADF);
		CHECK_FAILS(ioctl(fd, FIONREAD, &arguments), EBADF);
		CHECK_FAILS(dup(fd), EBADF);
		CHECK_FAILS(dup2(fd, 2), EBADF);
		CHECK_FAILS(dup2(fd, fd), EBADF);
	}
	polls_on(queue);
}

/* A filter may refuse what the library needs. Then mq_open fails, and leaves nothing open. */
CASE(mqd_of_an_mq_open_that_fails_is_not_left_open)
{
	int lowest = dup(STDERR_FILENO);
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	CHECK_OK(close(lowest));
	if (refuse_call(SYS_fcntl, EPERM) == -1)
		CHECK_SKIP("no filter can be set here");
	mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &attr);
	if (queue != -1)
		CHECK_OK(close(queue));
	CHECK_EQ(dup(STDERR_FILENO), lowest);
}
