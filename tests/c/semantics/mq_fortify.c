/* Programs built with _FORTIFY_SOURCE reach mq_open under another name: __mq_open_2, when the flags
 * are not known at compile time and no mode is given. */
#undef _FORTIFY_SOURCE
#define _FORTIFY_SOURCE 2
#include "../support/queue.h"

/* Hidden from the compiler, so that it cannot see whether O_CREAT is among them. */
static volatile int flags;

static mqd_t open_fortified(const char *name, int wanted)
{
	flags = wanted;
	return mq_open(name, flags);
}

CASE(mq_open_fortified_opens)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "there", 1);
	mqd_t again = open_fortified(queue_name(0), O_RDWR);
	CHECK_OK(again);
	queue_expect(again, "there", 1);
}

CASE(mq_open_fortified_is_the_function_that_is_called)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "there", 1);
	mqd_t again = __mq_open_2(queue_name(0), O_RDONLY | O_NONBLOCK);
	CHECK_OK(again);
	CHECK_FAILS(mq_send(again, "x", 1, 0), EBADF);
	queue_expect(again, "there", 1);
	char got[SMALL_SIZE];
	CHECK_FAILS(mq_receive(again, got, sizeof got, NULL), EAGAIN);
}

CASE(mq_open_fortified_fails_as_the_plain_one)
{
	CHECK_FAILS(open_fortified(queue_name(0), O_RDWR), ENOENT);
	CHECK_FAILS(open_fortified("no slash", O_RDWR), EINVAL);
	CHECK_FAILS(open_fortified("/", O_RDWR), ENOENT);
	CHECK_FAILS(open_fortified("/a/b", O_RDWR), EACCES);
	queue_small(0);
	CHECK_FAILS(open_fortified(queue_name(0), O_ACCMODE), EINVAL);
}

CASE(mq_open_fortified_with_create_and_no_mode_aborts)
{
	pid_t child = check_fork();
	if (child == 0) {
		/* What it says of itself goes nowhere. */
		close(2);
		open_fortified(queue_name(0), O_RDWR | O_CREAT);
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGABRT);
	CHECK_FAILS(open_fortified(queue_name(0), O_RDWR), ENOENT);
}
