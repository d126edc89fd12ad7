/* The status line of a queue, read into several buffers or from a position; and that no form of
 * write puts anything into a queue. */
#include "../support/queue.h"

#include <sys/uio.h>

static mqd_t queue;
static char line[128];
static size_t length;

static void open_queue(void)
{
	queue = queue_small(0);
	queue_put(queue, "12345", 0);
	ssize_t all = pread(queue, line, sizeof line, 0);
	CHECK_OK(all);
	length = (size_t)all;
}

/* Two buffers, the first of which is too short for the line. */
static char text[2][100];

static const struct iovec *buffers(void)
{
	static struct iovec both[2];
	memset(text, 0, sizeof text);
	both[0] = (struct iovec){ text[0], 7 };
	both[1] = (struct iovec){ text[1], sizeof text[1] };
	return both;
}

/* What the last call has read, from this position of the line. */
static void expect_line(size_t from)
{
	CHECK(memcmp(text[0], line + from, 7) == 0);
	CHECK(memcmp(text[1], line + from + 7, length - from - 7) == 0);
	CHECK_EQ(text[1][length - from - 7], 0);
}

CASE(mq_readv_gives_the_status_line)
{
	open_queue();
	CHECK_EQ(readv(queue, buffers(), 2), (ssize_t)length);
	expect_line(0);
	CHECK_EQ(readv(queue, buffers(), 2), 0);
	CHECK_EQ(lseek(queue, 3, SEEK_SET), 3);
	CHECK_EQ(readv(queue, buffers(), 1), 7);
	CHECK(memcmp(text[0], line + 3, 7) == 0);
	CHECK_EQ(lseek(queue, 0, SEEK_CUR), 10);
	CHECK_EQ(readv(queue, buffers(), 0), 0);
}

CASE(mq_preadv_gives_the_status_line_from_a_position)
{
	open_queue();
	CHECK_EQ(preadv(queue, buffers(), 2, 5), (ssize_t)length - 5);
	expect_line(5);
	CHECK_EQ(lseek(queue, 0, SEEK_CUR), 0);
	CHECK_EQ(preadv(queue, buffers(), 2, 1000), 0);
	CHECK_FAILS(preadv(queue, buffers(), 2, -1), EINVAL);
}

CASE(mq_preadv2_gives_the_status_line)
{
	open_queue();
	CHECK_EQ(preadv2(queue, buffers(), 2, -1, 0), (ssize_t)length);
	expect_line(0);
	CHECK_EQ(lseek(queue, 0, SEEK_CUR), (off_t)length);
	CHECK_EQ(preadv2(queue, buffers(), 2, 5, RWF_HIPRI), (ssize_t)length - 5);
	expect_line(5);
	CHECK_FAILS(preadv2(queue, buffers(), 2, 5, RWF_NOWAIT), EOPNOTSUPP);
	CHECK_FAILS(preadv2(queue, buffers(), 2, -2, 0), EINVAL);
}

CASE(mq_readv_into_bad_memory_fails)
{
	open_queue();
	const struct iovec bad = { NULL, 10 };
	const struct iovec *volatile none = NULL;
	volatile int less = -1;
	CHECK_FAILS(readv(queue, &bad, 1), EFAULT);
	CHECK_FAILS(readv(queue, none, 1), EFAULT);
	CHECK_FAILS(readv(queue, buffers(), less), EINVAL);
	CHECK_EQ(lseek(queue, 0, SEEK_CUR), 0);
}

CASE(mq_readv_of_a_queue_for_sending_is_ebadf)
{
	open_queue();
	mqd_t sender = queue_again(0, O_WRONLY);
	CHECK_FAILS(readv(sender, buffers(), 2), EBADF);
	CHECK_FAILS(preadv(sender, buffers(), 2, 0), EBADF);
	CHECK_FAILS(preadv2(sender, buffers(), 2, -1, 0), EBADF);
}

static void expect_refusal(mqd_t refusing, int error)
{
	const struct iovec bytes = { line, 10 };
	CHECK_FAILS(writev(refusing, &bytes, 1), error);
	CHECK_FAILS(pwrite(refusing, line, 10, 0), error);
	CHECK_FAILS(pwritev(refusing, &bytes, 1, 0), error);
	CHECK_FAILS(pwritev2(refusing, &bytes, 1, 0, 0), error);
	CHECK_FAILS(pwritev2(refusing, &bytes, 1, -1, 0), error);
	CHECK_FAILS(pwrite(refusing, line, 10, -1), EINVAL);
}

CASE(mq_takes_no_bytes_from_any_form_of_write)
{
	open_queue();
	queue_take(queue);
	expect_refusal(queue, EINVAL);
	expect_refusal(queue_again(0, O_RDONLY), EBADF);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_vectors_of_a_pipe_beside_a_queue_are_its_own)
{
	int ends[2];
	open_queue();
	CHECK_OK(pipe(ends));
	const struct iovec bytes = { line, 10 };
	CHECK_EQ(writev(ends[1], &bytes, 1), 10);
	CHECK_EQ(readv(ends[0], buffers(), 2), 10);
	CHECK(memcmp(text[0], line, 7) == 0);
	CHECK(memcmp(text[1], line + 7, 3) == 0);
	CHECK_FAILS(pwrite(ends[1], line, 1, 0), ESPIPE);
	CHECK_FAILS(preadv(ends[0], buffers(), 2, 0), ESPIPE);
}
