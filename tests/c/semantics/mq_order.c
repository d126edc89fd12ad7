/* The order of messages: highest priority first, first in first out within one. */
#include "../support/queue.h"

enum { DEPTH = 10 };

static mqd_t queue_of_ten(void)
{
	return queue_create(0, O_RDWR, DEPTH, 16);
}

static void put_number(mqd_t queue, int number, unsigned priority)
{
	CHECK_OK(mq_send(queue, (char *)&number, sizeof number, priority));
}

static int take_number(mqd_t queue, unsigned *priority)
{
	char got[16];
	int number;
	CHECK_EQ(mq_receive(queue, got, sizeof got, priority), sizeof number);
	memcpy(&number, got, sizeof number);
	return number;
}

CASE(mq_order_is_first_in_first_out)
{
	mqd_t queue = queue_of_ten();
	unsigned priority;
	for (int i = 0; i < DEPTH; i++)
		put_number(queue, i, 5);
	for (int i = 0; i < DEPTH; i++)
		CHECK_EQ(take_number(queue, &priority), i);
}

CASE(mq_order_stays_first_in_first_out_for_long)
{
	mqd_t queue = queue_of_ten();
	unsigned priority;
	int in = 0, out = 0;
	while (in < DEPTH - 1)
		put_number(queue, in++, 0);
	while (out < 100000) {
		put_number(queue, in++, 0);
		CHECK_EQ(take_number(queue, &priority), out++);
	}
}

CASE(mq_order_has_the_highest_priority_first)
{
	mqd_t queue = queue_of_ten();
	unsigned priority;
	for (int i = 0; i < DEPTH; i++)
		put_number(queue, i, (unsigned)i * 3000);
	for (int i = DEPTH - 1; i >= 0; i--) {
		CHECK_EQ(take_number(queue, &priority), i);
		CHECK_EQ(priority, i * 3000);
	}
}

CASE(mq_order_within_each_of_two_priorities)
{
	mqd_t queue = queue_of_ten();
	unsigned priority;
	for (int i = 0; i < DEPTH; i++)
		put_number(queue, i, i % 2 ? 7 : 6);
	for (int i = 1; i < DEPTH; i += 2)
		CHECK_EQ(take_number(queue, &priority), i);
	for (int i = 0; i < DEPTH; i += 2)
		CHECK_EQ(take_number(queue, &priority), i);
}

CASE(mq_order_lets_an_urgent_message_overtake)
{
	mqd_t queue = queue_of_ten();
	unsigned priority;
	put_number(queue, 1, 0);
	put_number(queue, 2, 0);
	CHECK_EQ(take_number(queue, &priority), 1);
	put_number(queue, 3, 1);
	put_number(queue, 4, 32767);
	CHECK_EQ(take_number(queue, &priority), 4);
	put_number(queue, 5, 1);
	CHECK_EQ(take_number(queue, &priority), 3);
	CHECK_EQ(take_number(queue, &priority), 5);
	CHECK_EQ(take_number(queue, &priority), 2);
}

CASE(mq_order_of_neighbouring_priorities)
{
	/* Priorities that differ in one bit only, over the whole range. */
	mqd_t queue = queue_of_ten();
	unsigned priority;
	for (unsigned bit = 1; bit <= 16384; bit *= 2) {
		put_number(queue, 1, bit - 1);
		put_number(queue, 2, bit);
		put_number(queue, 3, bit + 1);
		put_number(queue, 4, bit);
		CHECK_EQ(take_number(queue, &priority), 3);
		CHECK_EQ(priority, bit + 1);
		CHECK_EQ(take_number(queue, &priority), 2);
		CHECK_EQ(take_number(queue, &priority), 4);
		CHECK_EQ(take_number(queue, &priority), 1);
	}
}

CASE(mq_order_does_not_depend_on_the_size)
{
	mqd_t queue = queue_create(0, O_RDWR, DEPTH, 1000);
	char text[1000];
	memset(text, 'x', sizeof text);
	for (int i = 0; i < DEPTH; i++)
		CHECK_OK(mq_send(queue, text, (size_t)(i * 7919 % 1000), 0));
	for (int i = 0; i < DEPTH; i++)
		CHECK_EQ(mq_receive(queue, text, sizeof text, NULL), i * 7919 % 1000);
}

CASE(mq_order_of_random_priorities_is_that_of_a_model)
{
	mqd_t queue = queue_of_ten();
	struct { int number; unsigned priority; } model[DEPTH];
	int held = 0, next = 0;
	srand(20);
	for (int step = 0; step < 20000; step++) {
		if (held < DEPTH && (held == 0 || rand() % 2)) {
			unsigned priority = (unsigned)(rand() % (step % 3 == 0 ? 32768 : 3));
			put_number(queue, next, priority);
			model[held].number = next++;
			model[held++].priority = priority;
			continue;
		}
		int best = 0;
		for (int i = 1; i < held; i++)
			if (model[i].priority > model[best].priority)
				best = i;
		unsigned priority;
		CHECK_EQ(take_number(queue, &priority), model[best].number);
		CHECK_EQ(priority, model[best].priority);
		held--;
		memmove(&model[best], &model[best + 1], (size_t)(held - best) * sizeof model[0]);
	}
}

CASE(mq_order_of_two_queues_is_independent)
{
	mqd_t one = queue_of_ten();
	mqd_t two = queue_create(1, O_RDWR, DEPTH, 16);
	unsigned priority;
	put_number(one, 1, 1);
	put_number(two, 2, 9);
	put_number(one, 3, 1);
	CHECK_EQ(take_number(one, &priority), 1);
	CHECK_EQ(take_number(one, &priority), 3);
	CHECK_EQ(take_number(two, &priority), 2);
}

CASE(mq_order_of_each_of_two_senders_is_kept)
{
	enum { EACH = 5000 };
	mqd_t queue = queue_of_ten();
	pid_t senders[2];
	int next[2] = { 0, 0 };
	unsigned priority;
	for (int who = 0; who < 2; who++) {
		senders[who] = check_fork();
		for (int i = 0; senders[who] == 0 && i < EACH; i++)
			put_number(queue, i * 2 + who, 3);
		if (senders[who] == 0)
			_exit(0);
	}
	for (int i = 0; i < 2 * EACH; i++) {
		int number = take_number(queue, &priority);
		CHECK_EQ(number / 2, next[number % 2]);
		next[number % 2]++;
	}
	check_child(senders[0]);
	check_child(senders[1]);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_order_puts_a_message_that_waited_for_space_in_its_place)
{
	mqd_t queue = queue_create(0, O_RDWR, 2, 16);
	unsigned priority;
	put_number(queue, 1, 5);
	put_number(queue, 2, 5);
	pid_t child = check_fork();
	if (child == 0) {
		put_number(queue, 3, 6);
		_exit(0);
	}
	queue_await_asleep(child);
	CHECK_EQ(take_number(queue, &priority), 1);
	check_child(child);
	CHECK_EQ(take_number(queue, &priority), 3);
	CHECK_EQ(take_number(queue, &priority), 2);
}
