/* A participant is killed at each instruction of its call, in a queue with so many places that
 * librsipc finds messages by a tree. */
#include "../support/step_queue.h"

enum { QUEUED = 3 };

static const char *const text[] = { "aaaaaaa", "bbbbbbb", "ccccccc", "ddddddd" };

static void send_text(int number)
{
	CHECK_OK(mq_send(queue, text[number], sizeof "aaaaaaa", 0));
}

static void expect_text(int number)
{
	char got[8];
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 8);
	if (strcmp(got, text[number]) != 0)
		check_fail(__FILE__, __LINE__, "received \"%.7s\", expected \"%s\"",
			   got, text[number]);
}

static long places;

static void send_last(void)
{
	send_text(QUEUED);
}

static long places;

static void each_place_can_be_used(void)
{
	CHECK_EQ(queue_count(queue), 0);
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	for (int i = 0; i < places; i++)
		send_text(i % QUEUED);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EAGAIN);
	for (int i = 0; i < places; i++)
		expect_text(i % QUEUED);
}

/* The message that was on its way is there or not, behind or before the others, and whole. */
static int trial(int steps, void (*call)(void), long before, long after, int first_after)
{
	step_queues(places);
	/* The place that was freed last is the one that is tried first. */
	CHECK_OK(mq_send(queue, "x", 1, 1));
	for (int i = 0; i < QUEUED; i++)
		send_text(i);
	queue_take(queue);
	pid_t victim = step_victim(rehearse, call);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	long count = queue_count(queue);
	CHECK(count == before || count == after);
	int first = count == before ? 0 : first_after;
	for (int i = 0; i < count; i++)
		expect_text(first + i);
	each_place_can_be_used();
	return !in_call ? STEP_OVER : count == before ? STEP_EARLY : STEP_LATE;
}

static int sender_trial(int steps)
{
	return trial(steps, send_last, QUEUED, QUEUED + 1, 0);
}

static int receiver_trial(int steps)
{
	return trial(steps, receive_one, QUEUED, QUEUED - 1, 1);
}

static void each_step(int (*one)(int))
{
	int counts[STEP_ENDS];
	places = queue_deep_places();
	try_each_step(one, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_LATE] + counts[STEP_OVER] > 0);
}

CASE(mq_sender_killed_at_any_instruction_in_a_deep_queue)
{
	each_step(sender_trial);
}

CASE(mq_receiver_killed_at_any_instruction_in_a_deep_queue)
{
	each_step(receiver_trial);
}
