/* Memory that calls of the queue have used, and that the program then unmaps or protects, is EFAULT
 * like any other that is not there. */
#include "../support/memory_gone.h"
#include "../support/queue.h"

static mqd_t queue;

static void send_from(char *memory)
{
	strcpy(memory, "a message");
	CHECK_OK(mq_send(queue, memory, 10, 1));
	queue_expect(queue, "a message", 1);
}

static void check_no_send(char *memory)
{
	CHECK_FAILS(mq_send(queue, memory, 10, 1), EFAULT);
	CHECK_EQ(queue_count(queue), 0);
}

/* The last bytes before the gap are there. */
static void check_no_send_into_the_gap(char *memory)
{
	CHECK_FAILS(mq_send(queue, memory - 2, 10, 1), EFAULT);
	CHECK_EQ(queue_count(queue), 0);
}

static void send_from_the_end(char *memory)
{
	strcpy(memory - 2, "a message");
	CHECK_OK(mq_send(queue, memory - 2, 10, 1));
	queue_expect(queue, "a message", 1);
}

static void receive_into(char *memory)
{
	unsigned *priority = (unsigned *)(void *)(memory + SMALL_SIZE);
	queue_put(queue, "a message", 3);
	CHECK_EQ(mq_receive(queue, memory, SMALL_SIZE, priority), 9);
	CHECK(memcmp(memory, "a message", 9) == 0 && *priority == 3);
}

static void check_no_receive(char *memory)
{
	queue_put(queue, "a message", 3);
	CHECK_FAILS(mq_receive(queue, memory, SMALL_SIZE, NULL), EFAULT);
	while (queue_count(queue))
		queue_take(queue);
}

static void check_no_priority(char *memory)
{
	char got[SMALL_SIZE];
	queue_put(queue, "a message", 3);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, (unsigned *)(void *)memory), EFAULT);
	while (queue_count(queue))
		queue_take(queue);
}

static void wait_until(char *memory)
{
	struct timespec *time = (struct timespec *)(void *)memory;
	char got[SMALL_SIZE];
	*time = (struct timespec){ .tv_sec = 1 };
	CHECK_OK(mq_timedsend(queue, "a message", 9, 1, time));
	CHECK_EQ(mq_timedreceive(queue, got, sizeof got, NULL, time), 9);
}

static void check_no_time(char *memory)
{
	const struct timespec *time = (const struct timespec *)(void *)memory;
	char got[SMALL_SIZE];
	CHECK_FAILS(mq_timedsend(queue, "no", 2, 1, time), EFAULT);
	CHECK_FAILS(mq_timedreceive(queue, got, sizeof got, NULL, time), EFAULT);
	CHECK_EQ(queue_count(queue), 0);
}

static void set_from(char *memory)
{
	struct mq_attr *attributes = (struct mq_attr *)(void *)memory;
	CHECK_OK(mq_getattr(queue, attributes));
	CHECK_OK(mq_setattr(queue, attributes, NULL));
}

static void check_no_attributes(char *memory)
{
	struct mq_attr *attributes = (struct mq_attr *)(void *)memory;
	CHECK_FAILS(mq_getattr(queue, attributes), EFAULT);
	CHECK_FAILS(mq_setattr(queue, attributes, NULL), EFAULT);
}

/* In a small queue, and in a deep one. */
static void in_both(void (*use)(char *memory), void (*check)(char *memory))
{
	for (int deep = 0; deep < 2; deep++) {
		long places = deep ? queue_deep_places() : SMALL_DEPTH;
		queue = queue_create(0, O_RDWR | O_NONBLOCK, places, SMALL_SIZE);
		gone_each(use, check);
		CHECK_OK(mq_close(queue));
		CHECK_OK(mq_unlink(queue_name(0)));
	}
}

CASE(mq_send_of_a_body_that_is_not_there_any_more_is_efault)
{
	in_both(send_from, check_no_send);
	in_both(send_from_the_end, check_no_send_into_the_gap);
}

CASE(mq_receive_into_a_buffer_that_is_not_there_any_more_is_efault)
{
	in_both(receive_into, check_no_receive);
	in_both(receive_into, check_no_priority);
}

static void make_read_only(char *memory)
{
	CHECK_OK(mprotect(memory, GONE_SIZE, PROT_READ));
}

CASE(mq_receive_into_a_buffer_that_has_become_read_only_is_efault)
{
	queue = queue_small(O_NONBLOCK);
	char *memory = gone_mapped();
	receive_into(memory);
	send_from(memory);
	make_read_only(memory);
	check_no_receive(memory);
	check_no_priority(memory);
	CHECK_OK(mq_send(queue, memory, 10, 1));
}

CASE(mq_timed_calls_with_a_time_that_is_not_there_any_more_are_efault)
{
	in_both(wait_until, check_no_time);
}

CASE(mq_getattr_and_mq_setattr_of_memory_that_is_not_there_any_more_are_efault)
{
	in_both(set_from, check_no_attributes);
}
