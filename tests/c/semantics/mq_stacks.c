/* A call is interrupted at each instruction, and the handler makes another one, on a stack that
 * tells nothing by its address: an alternate one, or that of a coroutine. Both calls have their
 * effect. */
#include "../support/step_queue.h"
#include "../support/stacks.h"

static const char text_a[] = "aaaaaaa", text_b[] = "bbbbbbb";

static void send_b(void)
{
	CHECK_OK(mq_send(queue, text_b, sizeof text_b, 0));
}

static void receive_second(void)
{
	CHECK_EQ(mq_receive(queue, struck->got[1], 8, NULL), 2);
	struck_add(&struck->noted);
}

static void receive_and_send_b(void)
{
	char got[8];
	if (queue_count(queue) > 0)
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 8);
	send_b();
	struck_add(&struck->noted);
}

static void send_a(void)
{
	step_begin();
	struck_returned(mq_send(queue, text_a, sizeof text_a, 0) == 0);
}

static void receive_first(void)
{
	step_begin();
	struck_returned(mq_receive(queue, struck->got[0], 8, NULL) == 2);
}

static void send_on_stack(void)
{
	on_stack(MIDDLE, send_a);
}

static void receive_on_stack(void)
{
	on_stack(MIDDLE, receive_first);
}

static void rehearse_all(void)
{
	rehearse();
	queue_count(queue);
	struck_on_stack();
}

/* Strikes; the call returns. 0: it had returned before. */
static bool strike_and_return(int steps, void (*call)(void))
{
	pid_t victim = step_victim(rehearse_all, call);
	bool in_call = strike_after(victim, steps);
	CHECK_SOON(struck_read(&struck->done) == 1);
	CHECK_SOON(struck_read(&struck->handled) == 1);
	CHECK_EQ(struck->failed, 0);
	step_kill(victim);
	return in_call;
}

static void each_place_can_be_used(long depth)
{
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	for (long i = 0; i < depth; i++)
		CHECK_OK(mq_send(queue, text_a, sizeof text_a, 0));
	CHECK_FAILS(mq_send(queue, text_a, sizeof text_a, 0), EAGAIN);
	for (long i = 0; i < depth; i++)
		queue_expect(queue, text_a, 0);
}

static int send_in_send_trial(int steps)
{
	struck_prepare();
	step_queues(4);
	nested = send_b;
	bool in_call = strike_and_return(steps, send_on_stack);
	if (in_call) {
		CHECK_EQ(queue_count(queue), 2);
		char got[2][8];
		for (int i = 0; i < 2; i++)
			CHECK_EQ(mq_receive(queue, got[i], 8, NULL), 8);
		CHECK(strcmp(got[0], got[0][0] == 'a' ? text_a : text_b) == 0);
		CHECK(strcmp(got[1], got[0][0] == 'a' ? text_b : text_a) == 0);
		each_place_can_be_used(4);
	}
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(mq_send_on_an_alternate_stack_at_any_instruction_of_send)
{
	strike_nested(send_in_send_trial, ALTERNATE);
}

CASE(mq_send_on_a_disarmed_stack_at_any_instruction_of_send)
{
	strike_nested(send_in_send_trial, DISARMED);
}

CASE(mq_send_in_a_coroutine_at_any_instruction_of_send)
{
	strike_nested(send_in_send_trial, COROUTINE);
}

static int receive_in_receive_trial(int steps)
{
	struck_prepare();
	step_queues(4);
	const char *texts[] = { "1", "2", "3" };
	for (int i = 0; i < 3; i++)
		CHECK_OK(mq_send(queue, texts[i], 2, 0));
	nested = receive_second;
	bool in_call = strike_and_return(steps, receive_on_stack);
	if (in_call) {
		CHECK_EQ(struck->noted, 1);
		CHECK_EQ(struck->got[0][0] + struck->got[1][0], '1' + '2');
		CHECK(struck->got[0][0] != struck->got[1][0]);
		CHECK_EQ(queue_count(queue), 1);
		queue_expect(queue, "3", 0);
		each_place_can_be_used(4);
	}
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(mq_receive_on_an_alternate_stack_at_any_instruction_of_receive)
{
	strike_nested(receive_in_receive_trial, ALTERNATE);
}

CASE(mq_receive_on_a_disarmed_stack_at_any_instruction_of_receive)
{
	strike_nested(receive_in_receive_trial, DISARMED);
}

CASE(mq_receive_in_a_coroutine_at_any_instruction_of_receive)
{
	strike_nested(receive_in_receive_trial, COROUTINE);
}

/* Of a queue of one message the handler takes it, if it is there already, and sends its own. */
static int pair_in_send_trial(int steps)
{
	struck_prepare();
	step_queues(2);
	nested = receive_and_send_b;
	bool in_call = strike_and_return(steps, send_on_stack);
	if (in_call) {
		CHECK_EQ(struck->noted, 1);
		long count = queue_count(queue);
		CHECK(count == 1 || count == 2);
		bool has_b = false;
		for (long i = 0; i < count; i++) {
			char got[8];
			CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 8);
			CHECK(strcmp(got, got[0] == 'a' ? text_a : text_b) == 0);
			has_b |= got[0] == 'b';
		}
		CHECK(has_b);
		each_place_can_be_used(2);
	}
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(mq_pair_on_an_alternate_stack_at_any_instruction_of_send)
{
	strike_nested(pair_in_send_trial, ALTERNATE);
}

CASE(mq_pair_on_a_disarmed_stack_at_any_instruction_of_send)
{
	strike_nested(pair_in_send_trial, DISARMED);
}

CASE(mq_pair_in_a_coroutine_at_any_instruction_of_send)
{
	strike_nested(pair_in_send_trial, COROUTINE);
}
