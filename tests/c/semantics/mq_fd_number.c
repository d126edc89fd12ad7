/* The number of a queue's descriptor, when it means a queue no longer, or another one. */
#include "../support/queue.h"

#include <sys/stat.h>

static char got[SMALL_SIZE];

/* No operation on queues works on it. */
static void is_no_queue(int fd)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	struct timespec when = deadline_ms(1000);
	struct mq_attr attr = { .mq_flags = 0 };
	CHECK_FAILS(mq_send(fd, "into a file", 11, 0), EBADF);
	CHECK_FAILS(mq_timedsend(fd, "into a file", 11, 0, &when), EBADF);
	CHECK_FAILS(mq_receive(fd, got, sizeof got, NULL), EBADF);
	CHECK_FAILS(mq_timedreceive(fd, got, sizeof got, NULL, &when), EBADF);
	CHECK_FAILS(mq_setattr(fd, &attr, NULL), EBADF);
	CHECK_FAILS(mq_getattr(fd, &attr), EBADF);
	CHECK_FAILS(mq_notify(fd, &event), EBADF);
	CHECK_FAILS(mq_notify(fd, NULL), EBADF);
}

static int empty_file(void)
{
	int file = memfd_create("file", 0);
	CHECK_OK(file);
	return file;
}

static void file_is_empty(int file)
{
	struct stat status;
	CHECK_OK(fstat(file, &status));
	CHECK_EQ(status.st_size, 0);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 0);
}

CASE(mqd_can_be_closed_by_close)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(close(queue));
	is_no_queue(queue);
	CHECK_FAILS(mq_close(queue), EBADF);
	queue_again(0, O_RDWR);
}

/* It came with glibc 2.34; a library that is preloaded may have it before. */
CASE(mqd_can_be_closed_by_close_range)
{
	int (*volatile range)(unsigned, unsigned, int) = close_range;
	if (!range)
		CHECK_SKIP("this C library has no close_range");
	mqd_t queue = queue_small(0);
	CHECK_OK(range((unsigned)queue, ~0u, 0));
	is_no_queue(queue);
}

CASE(mqd_number_of_a_file_is_no_queue)
{
	int file = empty_file();
	is_no_queue(file);
	file_is_empty(file);
}

CASE(mqd_number_reused_by_a_file_is_no_queue)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "warm", 0);
	queue_expect(queue, "warm", 0);
	CHECK_OK(close(queue));
	int file = empty_file();
	CHECK_EQ(file, queue);
	is_no_queue(file);
	file_is_empty(file);
}

CASE(mqd_number_reused_by_a_file_after_mq_close_is_no_queue)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "warm", 0);
	CHECK_OK(mq_close(queue));
	int file = empty_file();
	CHECK_EQ(file, queue);
	is_no_queue(file);
	file_is_empty(file);
}

CASE(mqd_number_overlaid_by_a_file_is_no_queue)
{
	mqd_t queue = queue_small(0);
	mqd_t other = queue_again(0, O_RDWR);
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 0), 0);
	int file = empty_file();
	CHECK_EQ(dup2(file, queue), queue);
	is_no_queue(queue);
	file_is_empty(file);
	queue_put(other, "x", 0);
	queue_expect(other, "x", 0);
	file_is_empty(file);
}

CASE(mqd_number_reused_while_another_descriptor_is_polled)
{
	/* The state of the queue changes, but nothing of that may land in the file. */
	mqd_t queue = queue_small(0);
	mqd_t other = queue_again(0, O_RDWR);
	struct pollfd fds[] = { { queue, POLLIN, 0 }, { other, POLLIN, 0 } };
	CHECK_EQ(poll(fds, 2, 0), 0);
	CHECK_OK(close(queue));
	int file = empty_file();
	CHECK_EQ(file, queue);
	for (int i = 0; i < 10; i++) {
		queue_fill(other);
		while (queue_count(other))
			CHECK_OK(mq_receive(other, got, sizeof got, NULL));
	}
	file_is_empty(file);
}

CASE(mqd_number_reused_by_another_queue_means_that_one)
{
	mqd_t one = queue_small(0);
	queue_put(one, "one", 0);
	CHECK_OK(close(one));
	mqd_t two = queue_create(1, O_RDWR, 2, 16);
	CHECK_EQ(two, one);
	CHECK_EQ(queue_count(two), 0);
	queue_put(two, "two", 0);
	queue_expect(two, "two", 0);
	queue_expect(queue_again(0, O_RDWR), "one", 0);
}

CASE(mqd_number_overlaid_by_another_queue_means_that_one)
{
	mqd_t one = queue_small(0);
	mqd_t two = queue_create(1, O_RDWR, 2, 16);
	struct mq_attr attr;
	queue_put(one, "one", 0);
	CHECK_EQ(dup2(two, one), one);
	queue_put(one, "for two", 0);
	queue_expect(two, "for two", 0);
	CHECK_OK(mq_getattr(one, &attr));
	CHECK_EQ(attr.mq_msgsize, 16);
	CHECK_EQ(queue_count(queue_again(0, O_RDONLY)), 1);
}

CASE(mqd_numbers_do_not_leak)
{
	int before = dup(0), after;
	CHECK_OK(close(before));
	queue_name(0);
	for (int i = 0; i < 50; i++) {
		mqd_t queue = queue_small(0);
		queue_put(queue, "x", 0);
		CHECK_OK(i % 2 ? mq_close(queue) : close(queue));
		CHECK_OK(mq_unlink(queue_name(0)));
		for (int j = 0; j < 3; j++)
			CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
	}
	after = dup(0);
	CHECK_EQ(after, before);
}
