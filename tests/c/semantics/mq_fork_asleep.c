/* A handler forks while its process sleeps in a call on a queue: both sleep on, or both end with
 * EINTR. */
#include "../support/fork_asleep.h"

static mqd_t queue;

static int receive(void)
{
	char got[SMALL_SIZE];
	return (int)mq_receive(queue, got, sizeof got, NULL);
}

static int receive_in_time(void)
{
	char got[SMALL_SIZE];
	struct timespec late = deadline_ms(60000);
	return (int)mq_timedreceive(queue, got, sizeof got, NULL, &late);
}

static int send(void)
{
	return mq_send(queue, "late", 4, 0);
}

static int send_in_time(void)
{
	struct timespec late = deadline_ms(60000);
	return mq_timedsend(queue, "late", 4, 0, &late);
}

static int wait_until_readable(void)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	return poll(&fd, 1, -1);
}

static void each_place_can_be_used(void)
{
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	while (queue_count(queue) > 0)
		queue_take(queue);
	for (int round = 0; round < 2; round++) {
		queue_fill(queue);
		CHECK_FAILS(mq_send(queue, "x", 1, 0), EAGAIN);
		for (int i = 0; i < SMALL_DEPTH; i++)
			queue_expect(queue, "filler", 1);
	}
}

/* One that receives from an empty queue, and whose handler makes a child in this way. */
static pid_t start_receiver(int (*call)(void), pid_t (*way)(void))
{
	make_child = way;
	queue = queue_small(0);
	return start_sleeper(call, SA_RESTART);
}

/* One that sends to a full queue. */
static pid_t start_sender(int (*call)(void), pid_t (*way)(void))
{
	make_child = way;
	queue = queue_small(0);
	queue_fill(queue);
	return start_sleeper(call, SA_RESTART);
}

static void both_receive(pid_t sleeper)
{
	fork_sleeper(sleeper, true);
	queue_put(queue, "news", 0);
	CHECK_SOON(atomic_load(&both->returned) == 1);
	queue_put(queue, "more", 0);
	all_return(sleeper, 2, 4);
	CHECK_EQ(queue_count(queue), 0);
	each_place_can_be_used();
}

CASE(mq_receive_asleep_is_forked_by_a_handler_and_both_receive)
{
	both_receive(start_receiver(receive, fork));
}

CASE(mq_receive_asleep_is_forked_by_a_system_call_and_both_receive)
{
	both_receive(start_receiver(receive, by_clone));
}

CASE(mq_timedreceive_asleep_is_forked_by_a_handler_and_both_receive)
{
	both_receive(start_receiver(receive_in_time, fork));
}

static void both_send(pid_t sleeper)
{
	fork_sleeper(sleeper, true);
	queue_expect(queue, "filler", 1);
	CHECK_SOON(atomic_load(&both->returned) == 1);
	queue_expect(queue, "filler", 1);
	all_return(sleeper, 2, 0);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
	each_place_can_be_used();
}

CASE(mq_send_asleep_is_forked_by_a_handler_and_both_send)
{
	both_send(start_sender(send, fork));
}

CASE(mq_send_asleep_is_forked_by_a_system_call_and_both_send)
{
	both_send(start_sender(send, by_clone));
}

CASE(mq_timedsend_asleep_is_forked_by_a_handler_and_both_send)
{
	both_send(start_sender(send_in_time, fork));
}

CASE(mq_calls_asleep_that_are_forked_by_a_handler_are_interrupted_in_both)
{
	int (*const calls[])(void) = { receive, receive_in_time, send, send_in_time };
	make_child = fork;
	queue = queue_small(0);
	for (int i = 0; i < 4; i++) {
		if (i == 2)
			queue_fill(queue);
		pid_t sleeper = start_sleeper(calls[i], 0);
		fork_sleeper(sleeper, false);
		all_return(sleeper, 2, -EINTR);
	}
	each_place_can_be_used();
}

CASE(mq_receive_asleep_is_forked_again_and_again)
{
	pid_t sleeper = start_receiver(receive, fork);
	for (int i = 0; i < 3; i++)
		fork_sleeper(i == 1 ? both->child[0] : sleeper, true);
	for (int i = 0; i < 4; i++)
		queue_put(queue, "news", 0);
	all_return(sleeper, 4, 4);
	each_place_can_be_used();
}

/* The child is killed as it sleeps: its parent is served, and nothing is left of it. */
CASE(mq_receive_asleep_is_forked_by_a_handler_and_the_child_is_killed)
{
	pid_t sleeper = start_receiver(receive, fork);
	fork_sleeper(sleeper, true);
	CHECK_OK(kill(both->child[0], SIGKILL));
	CHECK_SOON(state_of(both->child[0], both->child[0]) == 'Z');
	queue_put(queue, "news", 0);
	all_return(sleeper, 1, 4);
	each_place_can_be_used();
}

CASE(mq_receive_asleep_is_forked_by_a_handler_and_the_parent_is_killed)
{
	pid_t sleeper = start_receiver(receive, fork);
	fork_sleeper(sleeper, true);
	queue_kill_child(sleeper);
	queue_put(queue, "news", 0);
	CHECK_SOON(atomic_load(&both->returned) == 1);
	CHECK_EQ(both->result[0], 4);
	each_place_can_be_used();
}

CASE(mq_poll_asleep_is_forked_by_a_handler_and_the_child_polls_anew)
{
	pid_t sleeper = start_receiver(wait_until_readable, fork);
	fork_sleeper(sleeper, false);
	/* poll(2) is never restarted. */
	all_return(sleeper, 2, -EINTR);
	sleeper = start_sleeper(wait_until_readable, SA_RESTART);
	queue_put(queue, "news", 0);
	all_return(sleeper, 1, 1);
	each_place_can_be_used();
}
