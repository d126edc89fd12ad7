/* A participant is stopped at each instruction of its call: the others go on without it. */
#include "../support/refuse.h"
#include "../support/step_queue.h"

/* What a living process does while the victim is stopped. It must not wait for the victim for
 * longer than its call allows. */
static void receive_for_a_moment(void)
{
	char got[8];
	struct timespec soon = deadline_ms(50);
	if (mq_timedreceive(queue, got, sizeof got, NULL, &soon) == -1)
		CHECK_EQ(errno, ETIMEDOUT);
}

static void send_for_a_moment(void)
{
	struct timespec soon = deadline_ms(50);
	if (mq_timedsend(queue, "y", 1, 0, &soon) == -1)
		CHECK_EQ(errno, ETIMEDOUT);
}

/* Set: a filter kills the living process if it pauses other than by a wait. */
static bool is_filtered;

static int stopped_trial(int steps, void (*call)(void), void (*other)(void))
{
	step_queues(1);
	if (call == receive_one)
		send_one();
	pid_t victim = step_victim(rehearse, call);
	int in_call = step_many(victim, steps);
	pid_t living = check_fork();
	if (living == 0) {
		step_on_another_processor();
		if (is_filtered)
			CHECK_OK(kill_for_pauses());
		other();
		_exit(0);
	}
	int status = -1;
	CHECK_SOON(waitpid(living, &status, WNOHANG) == living);
	CHECK_EQ(status, 0);
	long before = queue_count(queue);
	step_kill(victim);
	long after = queue_count(queue);
	CHECK(after == 0 || after == 1);
	/* All is as it should be for processes that come later. */
	if (after == 0)
		send_one();
	receive_one();
	CHECK_EQ(queue_count(queue), 0);
	return !in_call ? STEP_OVER : before ? STEP_EARLY : STEP_LATE;
}

static void each_step_of_a_stopped_one(int (*trial)(int))
{
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	CHECK(counts[STEP_EARLY] + counts[STEP_LATE] > 1);
}

static int stopped_receiver_trial(int steps)
{
	return stopped_trial(steps, receive_one, receive_for_a_moment);
}

static int stopped_sender_trial(int steps)
{
	return stopped_trial(steps, send_one, send_for_a_moment);
}

static int receiver_stopped_before_sender_trial(int steps)
{
	return stopped_trial(steps, receive_one, send_for_a_moment);
}

static int sender_stopped_before_receiver_trial(int steps)
{
	return stopped_trial(steps, send_one, receive_for_a_moment);
}

CASE(mq_stopped_receiver_holds_up_no_other_receiver)
{
	each_step_of_a_stopped_one(stopped_receiver_trial);
}

CASE(mq_stopped_sender_holds_up_no_other_sender)
{
	each_step_of_a_stopped_one(stopped_sender_trial);
}

CASE(mq_stopped_receiver_holds_up_no_sender)
{
	each_step_of_a_stopped_one(receiver_stopped_before_sender_trial);
}

CASE(mq_stopped_sender_holds_up_no_receiver)
{
	each_step_of_a_stopped_one(sender_stopped_before_receiver_trial);
}

static void put_the_living_behind_a_filter(void)
{
	int status;
	pid_t tried = check_fork();
	if (tried == 0)
		_exit(kill_for_pauses() == -1);
	CHECK_EQ(waitpid(tried, &status, 0), tried);
	if (status != 0)
		CHECK_SKIP("there can be no filter here");
	is_filtered = true;
}

CASE(mq_stopped_receiver_and_another_behind_a_filter_that_kills_for_pauses)
{
	put_the_living_behind_a_filter();
	each_step_of_a_stopped_one(stopped_receiver_trial);
}

CASE(mq_stopped_sender_and_a_receiver_behind_a_filter_that_kills_for_pauses)
{
	put_the_living_behind_a_filter();
	each_step_of_a_stopped_one(sender_stopped_before_receiver_trial);
}
