/* Memory of the caller that cannot be read, or cannot be written to: EFAULT, and the queue is as it
 * was. */
#include "../support/queue.h"

#include <stdint.h>
#include <sys/mman.h>

enum { PAGE = 4096, PLACES = 3 };

/* Addresses at which nothing can be written: the last bytes before a page without access, which a
 * longer message reaches into; such a page; what no process has. */
static char *bad[PLACES];

static void find_bad_places(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_OK(mprotect(pages + PAGE, PAGE, PROT_NONE));
	bad[0] = pages + PAGE - 2;
	bad[1] = pages + PAGE;
	bad[2] = (char *)(uintptr_t)1;
}

/* In a small queue, and in a deep one. */
static void in_both(void (*check)(mqd_t queue))
{
	find_bad_places();
	for (int deep = 0; deep < 2; deep++) {
		long places = deep ? queue_deep_places() : SMALL_DEPTH;
		mqd_t queue = queue_create(0, O_RDWR | O_NONBLOCK, places, SMALL_SIZE);
		check(queue);
		CHECK_OK(mq_close(queue));
		CHECK_OK(mq_unlink(queue_name(0)));
	}
}

static void check_bodies(mqd_t queue)
{
	for (int i = 0; i < PLACES; i++) {
		CHECK_FAILS(mq_send(queue, bad[i], 10, 1), EFAULT);
		CHECK_FAILS(mq_send(-1, bad[i], 10, 1), EBADF);
		CHECK_FAILS(mq_send(queue, bad[i], SMALL_SIZE + 1, 1), EMSGSIZE);
	}
	CHECK_EQ(queue_count(queue), 0);
	CHECK_OK(mq_send(queue, bad[1], 0, 1));
	CHECK_OK(mq_send(queue, bad[0], 2, 1));
}

CASE(mq_send_of_a_body_that_cannot_be_read_is_efault)
{
	in_both(check_bodies);
}

static void check_buffers(mqd_t queue)
{
	for (int i = 0; i < PLACES; i++) {
		CHECK_FAILS(mq_receive(queue, bad[i], SMALL_SIZE, NULL), EAGAIN);
		queue_put(queue, "a message", 1);
		CHECK_FAILS(mq_receive(queue, bad[i], SMALL_SIZE, NULL), EFAULT);
		while (queue_count(queue))
			queue_take(queue);
	}
	/* Only the bytes of the message count. */
	queue_put(queue, "ab", 1);
	CHECK_EQ(mq_receive(queue, bad[0], SMALL_SIZE, NULL), 2);
	CHECK_OK(mq_send(queue, "", 0, 1));
	CHECK_EQ(mq_receive(queue, bad[1], SMALL_SIZE, NULL), 0);
}

CASE(mq_receive_into_a_buffer_that_cannot_be_written_is_efault)
{
	in_both(check_buffers);
}

static void check_priorities(mqd_t queue)
{
	char got[SMALL_SIZE];
	unsigned *priority = (unsigned *)(void *)bad[1];
	CHECK_FAILS(mq_receive(queue, got, sizeof got, priority), EAGAIN);
	queue_put(queue, "a message", 1);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, priority), EFAULT);
}

CASE(mq_receive_with_a_priority_that_cannot_be_written_is_efault)
{
	in_both(check_priorities);
}

static void check_message_left(mqd_t queue)
{
	char got[SMALL_SIZE];
	queue_put(queue, "not lost", 4);
	for (int i = 0; i < PLACES; i++)
		CHECK_FAILS(mq_receive(queue, bad[i], SMALL_SIZE, NULL), EFAULT);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, (unsigned *)(void *)bad[1]), EFAULT);
	queue_expect(queue, "not lost", 4);
}

CASE_BETTER(
	mq_receive_that_cannot_write_leaves_the_message,
	"the kernel has taken the message off the queue when it finds that it cannot deliver it")
{
	in_both(check_message_left);
}

CASE(mq_timed_calls_with_a_time_that_cannot_be_read_are_efault_first_of_all)
{
	char got[SMALL_SIZE];
	mqd_t queue = queue_small(0);
	find_bad_places();
	for (int i = 0; i < PLACES; i++) {
		const struct timespec *time = (const struct timespec *)(void *)bad[i];
		CHECK_FAILS(mq_timedsend(queue, "no", 2, 1, time), EFAULT);
		CHECK_FAILS(mq_timedsend(-1, "no", 2, 99999, time), EFAULT);
		CHECK_FAILS(mq_timedreceive(queue, got, sizeof got, NULL, time), EFAULT);
		CHECK_FAILS(mq_timedreceive(-1, got, 1, NULL, time), EFAULT);
	}
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_attributes_in_memory_that_cannot_be_used_are_efault)
{
	mqd_t queue = queue_small(0);
	find_bad_places();
	for (int i = 0; i < PLACES; i++) {
		struct mq_attr *attr = (struct mq_attr *)(void *)bad[i];
		CHECK_FAILS(mq_getattr(queue, attr), EFAULT);
		CHECK_FAILS(mq_getattr(-1, attr), EBADF);
		CHECK_FAILS(mq_setattr(queue, attr, NULL), EFAULT);
		CHECK_FAILS(mq_setattr(-1, attr, NULL), EFAULT);
		CHECK_FAILS(mq_open(queue_name(1), O_CREAT | O_RDWR, 0600, attr), EFAULT);
	}
	CHECK_FAILS(mq_unlink(queue_name(1)), ENOENT);
}

/* What the call does comes before that. */
CASE(mq_setattr_that_cannot_store_the_old_attributes_has_set_the_new_ones)
{
	struct mq_attr nonblocking = { .mq_flags = O_NONBLOCK };
	mqd_t queue = queue_small(0);
	find_bad_places();
	CHECK_FAILS(mq_setattr(queue, &nonblocking, (struct mq_attr *)(void *)bad[1]), EFAULT);
	CHECK_EQ(fcntl(queue, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}
