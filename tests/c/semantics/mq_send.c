/* mq_send and mq_timedsend: what goes in, the errors and their order, waiting for space. */
#include "../support/queue.h"

/* Hidden from the compiler, which knows that these pointers must not be NULL. */
static const char *volatile no_buffer = NULL;

static const struct timespec bad_time = { 0, -1 };
static const struct timespec long_ago = { 0, 0 };

CASE(mq_send_takes_priorities_0_to_32767)
{
	mqd_t queue = queue_small(0);
	CHECK_EQ(sysconf(_SC_MQ_PRIO_MAX), 32768);
	queue_put(queue, "lowest", 0);
	queue_put(queue, "highest", 32767);
	queue_put(queue, "next", 32766);
	queue_expect(queue, "highest", 32767);
	queue_expect(queue, "next", 32766);
	queue_expect(queue, "lowest", 0);
}

CASE(mq_send_with_priority_32768_is_einval)
{
	mqd_t queue = queue_small(0);
	CHECK_FAILS(mq_send(queue, "x", 1, 32768), EINVAL);
	CHECK_FAILS(mq_send(queue, "x", 1, 0x80000000u), EINVAL);
	CHECK_FAILS(mq_send(queue, "x", 1, 0xffffffffu), EINVAL);
	CHECK_FAILS(mq_send(queue, "x", 1, 65536), EINVAL);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_send_of_no_bytes_is_a_message)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	unsigned priority;
	CHECK_OK(mq_send(queue, "ignored", 0, 12));
	CHECK_EQ(queue_count(queue), 1);
	memset(got, 'u', sizeof got);
	CHECK_EQ(mq_receive(queue, got, sizeof got, &priority), 0);
	CHECK_EQ(priority, 12);
	CHECK_EQ(got[0], 'u');
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_send_of_no_bytes_from_null_is_a_message)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_send(queue, no_buffer, 0, 1));
	CHECK_EQ(queue_count(queue), 1);
	queue_expect(queue, "", 1);
}

CASE(mq_send_fills_the_queue_with_messages_of_no_bytes)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	for (int i = 0; i < SMALL_DEPTH; i++)
		CHECK_OK(mq_send(queue, "", 0, 0));
	CHECK_FAILS(mq_send(queue, "", 0, 0), EAGAIN);
}

CASE(mq_send_from_null_is_efault)
{
	mqd_t queue = queue_small(0);
	CHECK_FAILS(mq_send(queue, no_buffer, 1, 0), EFAULT);
	CHECK_FAILS(mq_send(queue, no_buffer, SMALL_SIZE, 0), EFAULT);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_send_of_exactly_msgsize_works)
{
	mqd_t queue = queue_small(0);
	char sent[SMALL_SIZE], got[SMALL_SIZE];
	memset(sent, 's', sizeof sent);
	CHECK_OK(mq_send(queue, sent, sizeof sent, 0));
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), SMALL_SIZE);
	CHECK(memcmp(sent, got, sizeof sent) == 0);
}

CASE(mq_send_of_more_than_msgsize_is_emsgsize)
{
	mqd_t queue = queue_small(0);
	char sent[SMALL_SIZE + 1] = "";
	CHECK_FAILS(mq_send(queue, sent, sizeof sent, 0), EMSGSIZE);
	CHECK_FAILS(mq_send(queue, sent, (size_t)-1, 0), EMSGSIZE);
	CHECK_FAILS(mq_send(queue, sent, (size_t)1 << 32, 0), EMSGSIZE);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_send_keeps_every_byte_of_every_length)
{
	mqd_t queue = queue_create(0, O_RDWR, 2, 512);
	unsigned char sent[512], got[512];
	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t length = 0; length <= sizeof sent; length++) {
		memset(got, 0xee, sizeof got);
		CHECK_OK(mq_send(queue, (char *)sent, length, 0));
		CHECK_EQ(mq_receive(queue, (char *)got, sizeof got, NULL), length);
		CHECK(memcmp(sent, got, length) == 0);
		for (size_t i = length; i < sizeof got; i++)
			CHECK_EQ(got[i], 0xee);
	}
}

CASE(mq_send_keeps_the_bytes_of_full_sized_messages)
{
	enum { DEPTH = 3, SIZE = 8192 };
	mqd_t queue = queue_create(0, O_RDWR, DEPTH, SIZE);
	static unsigned char sent[DEPTH][SIZE], got[SIZE];
	for (int i = 0; i < DEPTH; i++) {
		for (int j = 0; j < SIZE; j++)
			sent[i][j] = (unsigned char)(j * 31 + j / 251 + i * 101);
		CHECK_OK(mq_send(queue, (char *)sent[i], SIZE, 0));
	}
	for (int i = 0; i < DEPTH; i++) {
		CHECK_EQ(mq_receive(queue, (char *)got, SIZE, NULL), SIZE);
		CHECK(memcmp(sent[i], got, SIZE) == 0);
	}
}

CASE(mq_send_copies_at_once)
{
	mqd_t queue = queue_small(0);
	char text[] = "before";
	queue_put(queue, text, 0);
	memcpy(text, "after!", 6);
	queue_expect(queue, "before", 0);
}

CASE(mq_send_to_what_is_no_queue_is_ebadf)
{
	int ends[2];
	char byte;
	CHECK_OK(pipe2(ends, O_NONBLOCK));
	CHECK_FAILS(mq_send(-1, "x", 1, 0), EBADF);
	CHECK_FAILS(mq_send(12345, "x", 1, 0), EBADF);
	CHECK_FAILS(mq_send(ends[1], "x", 1, 0), EBADF);
	CHECK_FAILS(read(ends[0], &byte, 1), EAGAIN);
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
}

CASE(mq_send_on_a_read_only_descriptor_is_ebadf)
{
	mqd_t both = queue_small(0);
	CHECK_FAILS(mq_send(queue_again(0, O_RDONLY), "x", 1, 0), EBADF);
	CHECK_EQ(queue_count(both), 0);
	CHECK_OK(mq_send(queue_again(0, O_WRONLY), "x", 1, 0));
	CHECK_EQ(queue_count(both), 1);
}

CASE(mq_send_to_a_full_queue_without_waiting_is_eagain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	char got[SMALL_SIZE];
	queue_fill(queue);
	CHECK_FAILS(mq_send(queue, "x", 1, 32767), EAGAIN);
	CHECK_OK(mq_receive(queue, got, sizeof got, NULL));
	CHECK_OK(mq_send(queue, "x", 1, 0));
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EAGAIN);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(mq_send_says_einval_for_priority_before_ebadf)
{
	CHECK_FAILS(mq_send(-1, "x", 1, 32768), EINVAL);
}

CASE(mq_send_says_einval_for_time_before_ebadf)
{
	CHECK_FAILS(mq_timedsend(-1, "x", 1, 0, &bad_time), EINVAL);
}

CASE(mq_send_says_ebadf_before_emsgsize)
{
	char sent[SMALL_SIZE + 1] = "";
	queue_small(0);
	CHECK_FAILS(mq_send(queue_again(0, O_RDONLY), sent, sizeof sent, 0), EBADF);
}

CASE(mq_send_says_ebadf_before_efault)
{
	CHECK_FAILS(mq_send(-1, no_buffer, 1, 0), EBADF);
}

CASE(mq_send_says_emsgsize_before_efault)
{
	CHECK_FAILS(mq_send(queue_small(0), no_buffer, SMALL_SIZE + 1, 0), EMSGSIZE);
}

CASE(mq_send_says_emsgsize_before_eagain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	char sent[SMALL_SIZE + 1] = "";
	queue_fill(queue);
	CHECK_FAILS(mq_send(queue, sent, sizeof sent, 0), EMSGSIZE);
}

CASE(mq_send_says_emsgsize_before_etimedout)
{
	mqd_t queue = queue_small(0);
	char sent[SMALL_SIZE + 1] = "";
	queue_fill(queue);
	CHECK_FAILS(mq_timedsend(queue, sent, sizeof sent, 0, &long_ago), EMSGSIZE);
}

CASE(mq_send_says_efault_before_eagain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	queue_fill(queue);
	CHECK_FAILS(mq_send(queue, no_buffer, 1, 0), EFAULT);
}

CASE(mq_send_waits_until_a_receiver_makes_space)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "waited", 2);
		_exit(0);
	}
	queue_await_asleep(child);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
	queue_expect(queue, "filler", 1);
	check_child(child);
	queue_expect(queue, "waited", 2);
	for (int i = 1; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
	CHECK_EQ(queue_count(queue), 0);
}

static void *send_in_a_thread(void *queue)
{
	queue_put(*(mqd_t *)queue, "from a thread", 0);
	return NULL;
}

CASE(mq_send_of_many_threads_waits_for_space)
{
	enum { SENDERS = 6 };
	mqd_t queue = queue_create(0, O_RDWR, 1, 32);
	pthread_t senders[SENDERS];
	char got[32];
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(pthread_create(&senders[i], NULL, send_in_a_thread, &queue), 0);
	for (int i = 0; i < SENDERS; i++) {
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 13);
		CHECK(memcmp(got, "from a thread", 13) == 0);
	}
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(pthread_join(senders[i], NULL), 0);
	CHECK_EQ(queue_count(queue), 0);
}
