/* A call on descriptors that fails has changed nothing: what it would have closed is open, with all
 * that hangs on it. The same for calls that close nothing though they look like it. */
#include "../support/vfork.h"

#include <sched.h>


enum { CLOSED = 500 };

/* With several descriptors, an epoll and a registration; and with one descriptor that nothing else
 * leads to. */
static void after_failure(void (*fail)(void))
{
	open_one();
	fail();
	descriptors_go_on();
	CHECK_OK(close_range(3, ~0u, 0));
	set_up();
	fail();
	all_goes_on();
}

static void dup3_with_bad_flags(void)
{
	CHECK_FAILS(dup3(2, queue, 0x1234), EINVAL);
	CHECK_FAILS(dup3(2, queue, O_NONBLOCK), EINVAL);
	CHECK_FAILS(dup3(2, queue, -1), EINVAL);
}

CASE(mq_goes_on_after_dup3_with_bad_flags)
{
	after_failure(dup3_with_bad_flags);
}

static void dup3_onto_itself(void)
{
	CHECK_FAILS(dup3(queue, queue, O_CLOEXEC), EINVAL);
}

CASE(mq_goes_on_after_dup3_onto_itself)
{
	after_failure(dup3_onto_itself);
}

static void dup_from_what_is_closed(void)
{
	CHECK_FAILS(dup2(CLOSED, queue), EBADF);
	CHECK_FAILS(dup3(CLOSED, queue, O_CLOEXEC), EBADF);
	CHECK_FAILS(dup2(-1, queue), EBADF);
	CHECK_FAILS(dup2(queue, -1), EBADF);
	CHECK_FAILS(dup2(queue, 1 << 30), EBADF);
	CHECK_FAILS(dup3(queue, 1 << 30, 0), EBADF);
}

CASE(mq_goes_on_after_dup2_from_what_is_closed)
{
	after_failure(dup_from_what_is_closed);
}

static void dup2_onto_itself(void)
{
	CHECK_EQ(dup2(queue, queue), queue);
	CHECK_EQ(dup2(copy, copy), copy);
}

CASE(mq_goes_on_after_dup2_onto_itself)
{
	after_failure(dup2_onto_itself);
}

static void close_range_with_bad_flags(void)
{
	CHECK_FAILS(close_range(3, ~0u, 0x100), EINVAL);
	CHECK_FAILS(close_range(3, ~0u, -1), EINVAL);
	CHECK_FAILS(close_range(10, 3, 0), EINVAL);
	CHECK_FAILS(close_range(~0u, 0, 0), EINVAL);
}

CASE(mq_goes_on_after_close_range_with_bad_flags)
{
	after_failure(close_range_with_bad_flags);
}

static void close_range_on_exec(void)
{
	CHECK_OK(fcntl(queue, F_SETFD, 0));
	CHECK_OK(close_range(3, ~0u, (int)CLOSE_RANGE_CLOEXEC));
	CHECK_EQ(fcntl(queue, F_GETFD), FD_CLOEXEC);
}

CASE(mq_goes_on_after_close_range_with_cloexec)
{
	after_failure(close_range_on_exec);
}

static void close_nothing(void)
{
	CHECK_OK(close_range(CLOSED, ~0u, 0));
	closefrom(CLOSED);
	CHECK_FAILS(close(CLOSED), EBADF);
	CHECK_FAILS(close(-1), EBADF);
	CHECK_FAILS(mq_close(-1), EBADF);
	CHECK_FAILS(mq_close(CLOSED), EBADF);
}

CASE(mq_goes_on_after_others_were_closed)
{
	after_failure(close_nothing);
}

/* A task of its own that shares the descriptors, gets a table of its own, and closes all
 * in there. */
static void *unshare_and_close(void *unused)
{
	CHECK_OK(close_range(3, ~0u, (int)CLOSE_RANGE_UNSHARE));
	CHECK_FAILS(fcntl(queue, F_GETFD), EBADF);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	return unused;
}

static void unshare_in_a_thread(void)
{
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, unshare_and_close, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(mq_goes_on_after_close_range_with_unshare_in_a_thread)
{
	open_one();
	unshare_in_a_thread();
	descriptors_go_on();
	CHECK_OK(close_range(3, ~0u, 0));
	open_all();
	unshare_in_a_thread();
	descriptors_go_on();
}

/* unshare(2) itself: what the thread closes then is its own affair. */
static void *unshare_then_close_one(void *unused)
{
	CHECK_OK(unshare(CLONE_FILES));
	CHECK_OK(close(queue));
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	return unused;
}

CASE(mq_goes_on_after_a_thread_with_its_own_descriptors_has_closed_it)
{
	pthread_t thread;
	open_one();
	CHECK_EQ(pthread_create(&thread, NULL, unshare_then_close_one, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	descriptors_go_on();
}

CASE(mq_closed_by_close_range_with_unshare_is_closed)
{
	open_one();
	CHECK_OK(close_range(3, ~0u, (int)CLOSE_RANGE_UNSHARE));
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	CHECK_FAILS(mq_close(queue), EBADF);
}

/* It fails in the kernel, and has not looked at the name. */
CASE(mq_open_that_fails_leaves_no_queue)
{
	struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 8 };
	const char *name = queue_name(0);
	CHECK_FAILS(mq_open(name, O_CREAT | O_RDWR, 0600, &bad), EINVAL);
	CHECK_FAILS(mq_open(name, O_RDWR), ENOENT);
	CHECK_FAILS(mq_unlink(name), ENOENT);
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 20; i++)
		CHECK_FAILS(mq_open(name, O_RDWR), ENOENT);
	CHECK_OK(close(before));
	CHECK_EQ(open("/dev/null", O_RDONLY | O_CLOEXEC), before);
}
