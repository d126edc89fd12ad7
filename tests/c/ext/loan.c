/* Loans and borrowed messages within one process: memory, order, limits, errors. */
#include "../support/loan.h"
#include "../support/nobody.h"

#include <sys/stat.h>

static struct timespec past;

static const long DEPTHS[] = { 4, 100 };

static mqd_t closed(mqd_t queue)
{
	CHECK_OK(mq_close(queue));
	return (mqd_t)-1;
}

#define FOR_EACH_DEPTH(queue)                                                        \
	for (int round_ = 0; round_ < 2; round_++)                                   \
		for (mqd_t queue = queue_create(round_, O_RDWR, DEPTHS[round_], SMALL_SIZE); \
		     queue != (mqd_t)-1; queue = closed(queue))

CASE(loan_a_message_that_is_committed_is_received)
{
	FOR_EACH_DEPTH(queue) {
		loan_put(queue, "by loan", 3);
		queue_expect(queue, "by loan", 3);
		expect_no_message(queue);
	}
}

CASE(loan_a_message_that_was_sent_is_borrowed_where_it_lies)
{
	FOR_EACH_DEPTH(queue) {
		queue_put(queue, "sent", 7);
		char *body = borrow_expecting(queue, "sent", 7);
		CHECK_OK(rsipc_mq_release(queue, body));
		expect_no_message(queue);
		CHECK_EQ(queue_count(queue), 0);
	}
}

CASE(loan_is_of_msgsize_bytes_and_aligned)
{
	mqd_t queue = queue_small(0);
	char *one = loan(queue), *other = loan(queue);
	CHECK(one && other);
	CHECK_EQ((unsigned long)one % 32, 0);
	CHECK_EQ((unsigned long)other % 32, 0);
	CHECK(one + SMALL_SIZE <= other || other + SMALL_SIZE <= one);
	memset(one, 'a', SMALL_SIZE);
	memset(other, 'b', SMALL_SIZE);
	CHECK_OK(rsipc_mq_commit(queue, other, SMALL_SIZE, 0));
	CHECK_OK(rsipc_mq_commit(queue, one, SMALL_SIZE, 0));
	for (int i = 0; i < 2; i++) {
		char got[SMALL_SIZE];
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), SMALL_SIZE);
		for (int at = 0; at < SMALL_SIZE; at++)
			CHECK_EQ(got[at], i == 0 ? 'b' : 'a');
	}
}

CASE(loan_of_no_bytes_is_an_empty_message)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(rsipc_mq_commit(queue, loan(queue), 0, 0));
	size_t length = 9;
	void *body = rsipc_mq_borrow(queue, &length, NULL, CLOCK_REALTIME, NULL);
	CHECK(body);
	CHECK_EQ(length, 0);
	CHECK_OK(rsipc_mq_release(queue, body));
}

CASE(loan_the_order_is_that_of_the_commits)
{
	FOR_EACH_DEPTH(queue) {
		char *first = loan(queue), *second = loan(queue);
		CHECK(first && second);
		*first = 'l';
		*second = 'e';
		queue_put(queue, "sent", 1);
		CHECK_OK(rsipc_mq_commit(queue, second, 1, 1));
		CHECK_OK(rsipc_mq_commit(queue, first, 1, 1));
		loan_put(queue, "best", 9);
		queue_expect(queue, "best", 9);
		queue_expect(queue, "sent", 1);
		queue_expect(queue, "e", 1);
		queue_expect(queue, "l", 1);
	}
}

CASE(loan_what_is_returned_goes_back_to_its_place)
{
	FOR_EACH_DEPTH(queue) {
		queue_put(queue, "one", 2);
		queue_put(queue, "two", 2);
		queue_put(queue, "low", 1);
		void *one = borrow_expecting(queue, "one", 2);
		void *two = borrow_expecting(queue, "two", 2);
		queue_put(queue, "new", 2);
		CHECK_OK(rsipc_mq_return(queue, two));
		CHECK_OK(rsipc_mq_return(queue, one));
		queue_expect(queue, "one", 2);
		queue_expect(queue, "two", 2);
		queue_expect(queue, "new", 2);
		queue_expect(queue, "low", 1);
	}
}

CASE(loan_others_receive_past_what_is_borrowed)
{
	FOR_EACH_DEPTH(queue) {
		queue_put(queue, "first", 9);
		queue_put(queue, "second", 5);
		queue_put(queue, "third", 5);
		void *first = borrow_expecting(queue, "first", 9);
		queue_expect(queue, "second", 5);
		void *third = borrow_expecting(queue, "third", 5);
		expect_no_message(queue);
		CHECK_EQ(queue_count(queue), 2);
		CHECK_OK(rsipc_mq_release(queue, first));
		CHECK_OK(rsipc_mq_return(queue, third));
		queue_expect(queue, "third", 5);
	}
}

CASE(loan_takes_a_slot_until_it_is_given_back)
{
	FOR_EACH_DEPTH(queue) {
		void *memory = loan(queue);
		CHECK(memory);
		expect_room_for(queue, (int)DEPTHS[round_] - 1);
		CHECK_OK(rsipc_mq_return(queue, memory));
		expect_room_for(queue, 1);
	}
}

CASE(loan_a_borrowed_message_takes_its_slot_until_it_is_released)
{
	FOR_EACH_DEPTH(queue) {
		expect_room_for(queue, (int)DEPTHS[round_]);
		void *body = borrow_expecting(queue, "room", 0);
		expect_room_for(queue, 0);
		CHECK_OK(rsipc_mq_release(queue, body));
		expect_room_for(queue, 1);
	}
}

CASE(loan_half_of_the_slots_at_most_unless_asked)
{
	mqd_t queue = queue_small(0);
	void *held[SMALL_DEPTH];
	for (int i = 0; i < SMALL_DEPTH / 2; i++)
		CHECK(held[i] = loan(queue));
	CHECK_FAILS_AS(loan(queue), NULL, ENOBUFS);
	for (int i = SMALL_DEPTH / 2; i < SMALL_DEPTH; i++)
		CHECK(held[i] = rsipc_mq_loan(queue, RSIPC_MQ_LOAN_ALL, CLOCK_REALTIME, NULL));
	CHECK_FAILS_AS(rsipc_mq_loan(queue, RSIPC_MQ_LOAN_ALL, CLOCK_REALTIME, &past), NULL,
		       ENOBUFS);
	for (int i = 0; i < SMALL_DEPTH; i++)
		CHECK_OK(rsipc_mq_return(queue, held[i]));
	CHECK(loan(queue));
}

CASE(loan_of_a_queue_of_one_message)
{
	mqd_t queue = queue_create(0, O_RDWR, 1, SMALL_SIZE);
	for (int i = 0; i < 100; i++) {
		loan_put(queue, "only", 0);
		CHECK_OK(rsipc_mq_release(queue, borrow_expecting(queue, "only", 0)));
	}
}

CASE(loan_commit_checks_its_arguments_and_leaves_the_loan)
{
	mqd_t queue = queue_small(0);
	char *body = loan(queue);
	CHECK_FAILS(rsipc_mq_commit(queue, body, SMALL_SIZE + 1, 0), EMSGSIZE);
	CHECK_FAILS(rsipc_mq_commit(queue, body, 1, 32768), EINVAL);
	CHECK_FAILS(rsipc_mq_commit(queue, body + 1, 1, 0), EINVAL);
	CHECK_FAILS(rsipc_mq_commit(queue, body + SMALL_SIZE, 1, 0), EINVAL);
	CHECK_FAILS(rsipc_mq_commit(queue, NULL, 0, 0), EINVAL);
	/* Memory that cannot be read is no loan either. */
	CHECK_FAILS(rsipc_mq_commit(queue, NULL, 1, 0), EINVAL);
	CHECK_FAILS(rsipc_mq_commit(queue, (void *)(intptr_t)-64, 1, 0), EINVAL);
	CHECK_FAILS(rsipc_mq_commit(queue, &body, 1, 0), EINVAL);
	CHECK_FAILS(rsipc_mq_commit(-1, body, 1, 0), EBADF);
	CHECK_FAILS(rsipc_mq_release(queue, body), EINVAL);
	*body = 'x';
	CHECK_OK(rsipc_mq_commit(queue, body, 1, 0));
	CHECK_FAILS(rsipc_mq_commit(queue, body, 1, 0), EINVAL);
	CHECK_FAILS(rsipc_mq_return(queue, body), EINVAL);
	queue_expect(queue, "x", 0);
}

CASE(loan_a_borrowed_message_is_given_back_once)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "once", 0);
	char *body = borrow_expecting(queue, "once", 0);
	CHECK_FAILS(rsipc_mq_commit(queue, body, 1, 0), EINVAL);
	CHECK_FAILS(rsipc_mq_release(queue, body + 32), EINVAL);
	CHECK_FAILS(rsipc_mq_release(-1, body), EBADF);
	CHECK_OK(rsipc_mq_release(queue, body));
	CHECK_FAILS(rsipc_mq_release(queue, body), EINVAL);
	CHECK_FAILS(rsipc_mq_return(queue, body), EINVAL);
	queue_put(queue, "next", 0);
	CHECK_FAILS(rsipc_mq_release(queue, body), EINVAL);
	queue_expect(queue, "next", 0);
}

CASE(loan_takes_a_descriptor_that_may_send_and_borrow_one_that_may_receive)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "there", 0);
	mqd_t reader = queue_again(0, O_RDONLY), writer = queue_again(0, O_WRONLY);
	CHECK_FAILS_AS(loan(reader), NULL, EBADF);
	CHECK_FAILS_AS(borrow(writer), NULL, EBADF);
	CHECK_FAILS_AS(loan(-1), NULL, EBADF);
	CHECK_FAILS_AS(borrow(-1), NULL, EBADF);
	CHECK(loan(writer));
	CHECK(borrow(reader));
}

CASE(loan_refuses_unknown_flags_clocks_and_times)
{
	mqd_t queue = queue_small(0);
	struct timespec bad = { 1, 1000000000 };
	CHECK_FAILS_AS(rsipc_mq_loan(queue, 2, CLOCK_REALTIME, NULL), NULL, EINVAL);
	CHECK_FAILS_AS(rsipc_mq_loan(queue, 0, CLOCK_BOOTTIME, NULL), NULL, EINVAL);
	CHECK_FAILS_AS(rsipc_mq_loan(queue, 0, CLOCK_REALTIME, &bad), NULL, EINVAL);
	CHECK_FAILS_AS(rsipc_mq_borrow(queue, NULL, NULL, CLOCK_BOOTTIME, NULL), NULL, EINVAL);
	CHECK_FAILS_AS(rsipc_mq_borrow(queue, NULL, NULL, CLOCK_MONOTONIC, &bad), NULL, EINVAL);
}

CASE(loan_success_leaves_errno_alone)
{
	mqd_t queue = queue_small(0);
	errno = EXDEV;
	char *body = loan(queue);
	CHECK_OK(rsipc_mq_commit(queue, body, 3, 0));
	body = borrow(queue);
	CHECK_OK(rsipc_mq_return(queue, body));
	body = borrow(queue);
	CHECK_OK(rsipc_mq_release(queue, body));
	CHECK_EQ(errno, EXDEV);
}

CASE(loan_the_memory_outlives_the_descriptor)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "there", 4);
	mqd_t second = queue_again(0, O_RDWR);
	char *body = borrow_expecting(second, "there", 4), *memory = loan(second);
	CHECK_OK(mq_close(second));
	mq_close(queue_again(0, O_RDWR));
	memset(memory, 'm', SMALL_SIZE);
	CHECK_EQ(memcmp(body, "there", 5), 0);
	expect_no_message(queue);
	/* The descriptor that is opened now is one of that memory. */
	second = queue_again(0, O_RDWR);
	CHECK_OK(rsipc_mq_commit(second, memory, 2, 3));
	CHECK_OK(rsipc_mq_return(second, body));
	queue_expect(queue, "there", 4);
	queue_expect(queue, "mm", 3);
}

CASE(loan_the_queue_is_opened_again_after_close)
{
	mqd_t queue = queue_small(0), other = queue_again(0, O_RDWR);
	queue_put(queue, "there", 4);
	char *body = borrow_expecting(other, "there", 4), *memory = loan(other);
	CHECK_OK(close(other));
	memory[0] = 'c';
	other = queue_again(0, O_RDWR);
	CHECK_OK(rsipc_mq_commit(other, memory, 1, 3));
	CHECK_OK(rsipc_mq_return(other, body));
	queue_expect(queue, "there", 4);
	queue_expect(queue, "c", 3);
}

CASE(loan_a_duplicate_of_the_descriptor_gives_back)
{
	mqd_t queue = queue_small(0);
	char *memory = loan(queue);
	mqd_t other = dup(queue);
	CHECK_OK(other);
	CHECK_OK(mq_close(queue));
	memory[0] = 'd';
	CHECK_OK(rsipc_mq_commit(other, memory, 1, 0));
	queue_expect(other, "d", 0);
}

CASE(loan_peek_does_not_show_what_is_borrowed)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	queue_put(queue, "first", 9);
	queue_put(queue, "second", 1);
	void *first = borrow_expecting(queue, "first", 9);
	void *memory = loan(queue);
	CHECK(memory);
	CHECK_EQ(rsipc_mq_peek(queue, got, sizeof got, NULL, 0), 6);
	CHECK_FAILS(rsipc_mq_peek(queue, got, sizeof got, NULL, 1), ENOMSG);
	CHECK_OK(rsipc_mq_return(queue, first));
	CHECK_EQ(rsipc_mq_peek(queue, got, sizeof got, NULL, 0), 5);
	CHECK_EQ(rsipc_mq_peek(queue, got, sizeof got, NULL, 1), 6);
}

CASE(loan_batches_go_around_what_is_kept)
{
	mqd_t queue = queue_create(0, O_RDWR, 8, SMALL_SIZE);
	char bodies[8][SMALL_SIZE] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct rsipc_mq_message batch[8];
	for (int i = 0; i < 8; i++)
		batch[i] = (struct rsipc_mq_message){ bodies[i], 1, 0 };
	void *memory = loan(queue);
	CHECK(memory);
	CHECK_EQ(rsipc_mq_sendv(queue, batch, 8), 7);
	void *a = borrow_expecting(queue, "a", 0);
	for (int i = 0; i < 8; i++)
		batch[i].length = SMALL_SIZE;
	CHECK_EQ(rsipc_mq_recvv(queue, batch, 8), 6);
	CHECK_EQ(bodies[0][0], 'b');
	CHECK_EQ(bodies[5][0], 'g');
	for (int i = 0; i < 8; i++)
		batch[i].length = SMALL_SIZE;
	CHECK_OK(rsipc_mq_return(queue, a));
	CHECK_EQ(rsipc_mq_recvv(queue, batch, 8), 1);
	CHECK_EQ(bodies[0][0], 'a');
}

static void use_and_keep(const char *name)
{
	mqd_t queue = mq_open(name, O_RDWR);
	CHECK_OK(queue);
	void *body = borrow_expecting(queue, "for all", 2);
	CHECK_OK(rsipc_mq_return(queue, body));
	loan_put(queue, "from nobody", 1);
	CHECK(borrow_expecting(queue, "for all", 2));
	CHECK(loan(queue));
}

CASE(loan_another_user_keeps_and_gives_back_by_dying)
{
	mode_t before = umask(0);
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	mqd_t queue = mq_open(queue_name(0), O_CREAT | O_RDWR, 0666, &attr);
	umask(before);
	queue_put(queue, "for all", 2);
	as_nobody(use_and_keep, queue_name(0));
	queue_expect(queue, "for all", 2);
	queue_expect(queue, "from nobody", 1);
	expect_room_for(queue, SMALL_DEPTH);
}

/* Bytes before a body belong to the library: a hostile process may change them. */
CASE(loan_a_length_that_cannot_be_true_is_ebadmsg)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "honest", 0);
	char *body = borrow_expecting(queue, "honest", 0);
	memset(body - 32, 0x7f, 16);
	CHECK_OK(rsipc_mq_return(queue, body));
	CHECK_FAILS_AS(borrow(queue), NULL, EBADMSG);
	expect_no_message(queue);
	expect_room_for(queue, SMALL_DEPTH);
}

CASE(loan_hostile_bytes_around_a_loan_do_no_harm)
{
	mqd_t queue = queue_small(0);
	for (int i = 0; i < 200; i++) {
		unsigned char *body = loan(queue);
		CHECK(body);
		for (int at = -32; at < SMALL_SIZE; at++)
			body[at] = (unsigned char)rand();
		CHECK_OK(rsipc_mq_commit(queue, body, 5, 1));
		size_t length = 0;
		body = rsipc_mq_borrow(queue, &length, NULL, CLOCK_REALTIME, NULL);
		CHECK(body);
		CHECK_EQ(length, 5);
		/* Also what counts messages, and the length of a message that is there no more. */
		for (int at = -32; at < 0; at++)
			body[at] = (unsigned char)rand();
		CHECK_OK(rsipc_mq_release(queue, body));
	}
	expect_room_for(queue, SMALL_DEPTH);
}

