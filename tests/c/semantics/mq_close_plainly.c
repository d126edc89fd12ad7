/* Queues that are closed by close(2) alone: what was theirs goes, as by mq_close. */
#include "../support/queue.h"
#include <sys/syscall.h>

static int lines_of_maps(void)
{
	int lines = 0, got;
	FILE *maps = fopen("/proc/self/maps", "r");
	CHECK(maps);
	while ((got = fgetc(maps)) != EOF)
		lines += got == '\n';
	CHECK_EQ(fclose(maps), 0);
	return lines;
}

static void open_and_close(int (*end)(int))
{
	mqd_t queue = queue_create(0, O_RDWR, SMALL_DEPTH, SMALL_SIZE);
	queue_put(queue, "left behind", 0);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_OK(end(queue));
}

static int by_close(int fd)
{
	return close(fd);
}

static int by_close_range(int fd)
{
	return close_range((unsigned)fd, (unsigned)fd, 0);
}

static int by_dup2(int fd)
{
	return dup2(2, fd) == fd ? close(fd) : -1;
}

static void *closes_elsewhere(void *unused)
{
	open_and_close(by_close);
	return unused;
}

CASE(mq_close_by_other_calls_leaves_no_mapping)
{
	enum { ROUNDS = 60, MORE = 20 };
	int (*const ends[])(int) = { by_close, by_close_range, by_dup2 };
	open_and_close(by_close);
	int before = lines_of_maps();
	for (int i = 0; i < 3; i++)
		for (int round = 0; round < ROUNDS; round++)
			open_and_close(ends[i]);
	CHECK(lines_of_maps() < before + MORE);
}

CASE(mq_close_by_close_in_a_thread_leaves_no_mapping)
{
	enum { ROUNDS = 60, MORE = 20 };
	closes_elsewhere(NULL);
	int before = lines_of_maps();
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, closes_elsewhere, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	CHECK(lines_of_maps() < before + MORE);
}

/* What the library has seen nothing of still leads to the queue. */
CASE(mq_close_by_close_leaves_a_copy_that_a_bare_call_has_made)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "first", 0);
	int copy = (int)syscall(SYS_dup, queue);
	CHECK_OK(copy);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_OK(close(queue));
	for (int round = 0; round < 5; round++)
		open_and_close(by_close);
	queue_expect(copy, "first", 0);
	CHECK_OK(close(copy));
}
