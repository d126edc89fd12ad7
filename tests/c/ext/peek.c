/* rsipc_mq_peek: messages by their position in the order of delivery, which stay where they are. */
#include <rsipc.h>
#include "../support/queue.h"

static char got[SMALL_SIZE];

static void check_at(mqd_t queue, unsigned position, const char *text, unsigned priority)
{
	unsigned its = 99999;
	ssize_t length = rsipc_mq_peek(queue, got, sizeof got, &its, position);
	CHECK_EQ(length, (ssize_t)strlen(text));
	CHECK_EQ(memcmp(got, text, (size_t)length), 0);
	CHECK_EQ(its, priority);
}

static void looks_by_position(long maxmsg)
{
	mqd_t queue = queue_create(0, O_RDWR, maxmsg, SMALL_SIZE);
	queue_put(queue, "second", 5);
	queue_put(queue, "last", 1);
	queue_put(queue, "third", 5);
	queue_put(queue, "first", 9);
	errno = 0;
	for (int twice = 0; twice < 2; twice++) {
		check_at(queue, 0, "first", 9);
		check_at(queue, 1, "second", 5);
		check_at(queue, 2, "third", 5);
		check_at(queue, 3, "last", 1);
	}
	CHECK_EQ(errno, 0);
	CHECK_FAILS(rsipc_mq_peek(queue, got, sizeof got, NULL, 4), ENOMSG);
	CHECK_FAILS(rsipc_mq_peek(queue, got, sizeof got, NULL, 0xffffffff), ENOMSG);
	CHECK_EQ(queue_count(queue), 4);
	queue_expect(queue, "first", 9);
	check_at(queue, 0, "second", 5);
}

CASE(peek_shows_each_message_by_its_position)
{
	looks_by_position(10);
}

CASE(peek_shows_each_message_of_a_deep_queue)
{
	looks_by_position(5000);
}

CASE(peek_of_an_empty_queue_is_enomsg)
{
	CHECK_FAILS(rsipc_mq_peek(queue_small(0), got, sizeof got, NULL, 0), ENOMSG);
}

CASE(peek_into_too_small_a_buffer_is_emsgsize)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "longer", 0);
	CHECK_FAILS(rsipc_mq_peek(queue, got, 5, NULL, 0), EMSGSIZE);
	CHECK_EQ(rsipc_mq_peek(queue, got, 6, NULL, 0), 6);
	CHECK_FAILS(rsipc_mq_peek(queue, NULL, 6, NULL, 0), EFAULT);
}

CASE(peek_takes_a_descriptor_that_may_receive)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "there", 0);
	CHECK_FAILS(rsipc_mq_peek(queue_again(0, O_WRONLY), got, sizeof got, NULL, 0), EBADF);
	CHECK_FAILS(rsipc_mq_peek(-1, got, sizeof got, NULL, 0), EBADF);
	CHECK_EQ(rsipc_mq_peek(queue_again(0, O_RDONLY), got, sizeof got, NULL, 0), 5);
}

CASE(peek_does_not_wake_a_sender_nor_change_what_poll_says)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	CHECK_EQ(rsipc_mq_peek(queue, got, sizeof got, NULL, 0), 6);
	CHECK_EQ(queue_events(queue), POLLIN);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

/* One that copies the message at the first position until it has been seen so often, or not. */
static void look_for_torn_ones(mqd_t queue, int looks)
{
	static char seen[8192];
	int shown = 0;
	while (shown < 20000 && looks-- > 0) {
		ssize_t length = rsipc_mq_peek(queue, seen, sizeof seen, NULL, 0);
		if (length == -1) {
			CHECK(errno == ENOMSG || errno == EAGAIN);
			continue;
		}
		CHECK(length > 8192 - 7);
		for (ssize_t i = 1; i < length; i++)
			CHECK_EQ(seen[i], seen[0]);
		shown++;
	}
	CHECK(shown > 0);
}

/* Each message is one letter again and again: a torn one would have two. */
CASE(peek_beside_senders_and_receivers_shows_whole_messages)
{
	mqd_t queue = queue_create(0, O_RDWR, 2, 8192);
	pid_t pid = check_fork();
	if (pid == 0) {
		static char body[8192];
		for (int i = 0;; i++) {
			memset(body, 'a' + i % 26, sizeof body);
			CHECK_OK(mq_send(queue, body, sizeof body - (size_t)(i % 7), 0));
			CHECK(mq_receive(queue, body, sizeof body, NULL) > 0);
		}
	}
	look_for_torn_ones(queue, 3000000);
	CHECK_OK(kill(pid, SIGKILL));
}

/* The borrower writes to it before it puts it back. */
static void beside_a_borrower(long maxmsg)
{
	mqd_t queue = queue_create(0, O_RDWR, maxmsg, 8192);
	static char first[8192];
	memset(first, 'a', sizeof first);
	CHECK_OK(mq_send(queue, first, sizeof first, 0));
	pid_t pid = check_fork();
	if (pid == 0)
		for (int i = 0;; i++) {
			size_t length;
			char *body = rsipc_mq_borrow(queue, &length, NULL, CLOCK_REALTIME, NULL);
			CHECK(body != NULL);
			/* From its end, as a copy is made from its beginning. */
			for (size_t end = length; end > 0; end -= 64)
				memset(body + end - 64, 'a' + i % 26, 64);
			CHECK_OK(rsipc_mq_return(queue, body));
		}
	look_for_torn_ones(queue, 3000000);
	CHECK_OK(kill(pid, SIGKILL));
}

CASE(peek_beside_a_borrower_shows_whole_messages)
{
	beside_a_borrower(2);
}

CASE(peek_beside_a_borrower_shows_whole_messages_of_a_deep_queue)
{
	beside_a_borrower(100);
}
