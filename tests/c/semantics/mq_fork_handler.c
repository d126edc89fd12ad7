/* A handler forks in the middle of a call on the queue. Parent and child return from the handler,
 * both go on with the call, and when both have ended each place of the queue can be used. */
#include "../support/fork_struck.h"
#include "../support/step_queue.h"

static void rehearse_fork(void)
{
	rehearse();
	struck_forks();
}

static void send_in_both(void)
{
	struck_returned_in_both(mq_send(queue, "sent", 4, 5) == 0);
}

static void receive_in_both(void)
{
	char text[8] = "";
	struck_returned(mq_receive(queue, text, sizeof text, NULL) > 0);
	strcpy(struck->got[is_child], text);
	struck_add(&struck->noted);
	if (is_child)
		_exit(0);
}

static void each_place_can_be_used(void)
{
	long depth = 4;
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	while (queue_count(queue) > 0)
		queue_take(queue);
	for (long i = 0; i < depth; i++)
		CHECK_OK(mq_send(queue, "more", 4, 0));
	CHECK_FAILS(mq_send(queue, "more", 4, 0), EAGAIN);
	for (long i = 0; i < depth; i++)
		queue_take(queue);
}

static int send_trial(int steps)
{
	struck_prepare();
	step_queues(4);
	pid_t victim = step_victim(rehearse_fork, send_in_both);
	bool in_call = strike_after(victim, steps);
	if (!in_call) {
		step_kill(victim);
		return STEP_OVER;
	}
	both_return(victim);
	/* One, if the send of the parent was done when it forked. */
	long count = queue_count(queue);
	CHECK(count == 1 || count == 2);
	for (long i = 0; i < count; i++)
		queue_expect(queue, "sent", 5);
	each_place_can_be_used();
	return STEP_LATE;
}

static int receive_trial(int steps)
{
	struck_prepare();
	step_queues(4);
	const char *texts[] = { "1", "2", "3" };
	for (int i = 0; i < 3; i++)
		queue_put(queue, texts[i], 0);
	pid_t victim = step_victim(rehearse_fork, receive_in_both);
	bool in_call = strike_after(victim, steps);
	if (!in_call) {
		step_kill(victim);
		return STEP_OVER;
	}
	CHECK_SOON(struck_read(&struck->noted) == 2);
	both_return(victim);
	long left = queue_count(queue);
	CHECK(left == 1 || left == 2);
	int first = struck->got[0][0] - '0', second = struck->got[1][0] - '0';
	if (left == 2)
		CHECK(first == 1 && second == 1);
	else
		CHECK(first + second == 3 && first != second);
	for (int i = 3 - (int)left; i < 3; i++)
		queue_expect(queue, texts[i], 0);
	each_place_can_be_used();
	return STEP_LATE;
}

CASE(mq_send_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	strike_each_step(send_trial);
}

CASE(mq_receive_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	strike_each_step(receive_trial);
}

CASE(mq_send_is_forked_by_a_system_call_at_any_instruction)
{
	make_child = by_system_call;
	strike_each_step(send_trial);
}

CASE(mq_receive_is_forked_by_a_system_call_at_any_instruction)
{
	make_child = by_clone;
	strike_each_step(receive_trial);
}

CASE(mq_send_is_forked_without_handlers_at_any_instruction)
{
	make_child = _Fork;
	strike_each_step(send_trial);
}
