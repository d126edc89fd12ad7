/* Several waiters are woken in one burst: they come in the order in which they fell asleep. */
#include "../support/queue.h"
#include "../support/step_queue.h"

enum { SLEEPERS = 6, ROUNDS = 10, LONGEST_WAIT_S = 20 };

static long places;

/* A queue of so many places. They are full if senders are to wait. */
static void set_up(long wanted, bool is_full)
{
	places = wanted;
	queue = queue_create(0, O_RDWR, places, 8);
	for (long i = 0; is_full && i < places; i++)
		CHECK_OK(mq_send(queue, "-", 1, 0));
}

static void tear_down(void)
{
	CHECK_OK(mq_close(queue));
	CHECK_OK(mq_unlink(queue_name(0)));
}

static void send_letter(int number)
{
	char letter = (char)('A' + number);
	CHECK_OK(mq_send(queue, &letter, 1, 0));
}

/* The next message, for which a sender may have to be woken. */
static char take_letter(void)
{
	char got[8];
	struct timespec end = deadline_ms(LONGEST_WAIT_S * 1000);
	CHECK_EQ(mq_timedreceive(queue, got, sizeof got, NULL, &end), 1);
	return got[0];
}

static void receive_letter(int number)
{
	CHECK_EQ(take_letter(), 'A' + number);
}

/* They fall asleep one after the other. */
static void start(void (*wait)(int), pid_t sleepers[SLEEPERS])
{
	for (int i = 0; i < SLEEPERS; i++) {
		sleepers[i] = check_fork();
		if (sleepers[i] == 0) {
			wait(i);
			_exit(0);
		}
		queue_await_asleep(sleepers[i]);
	}
}

static void expect_fillers(void)
{
	for (long i = 0; i < places; i++)
		CHECK_EQ(take_letter(), '-');
}

static void senders_arrive_in_order(long wanted)
{
	pid_t senders[SLEEPERS];
	for (int round = 0; round < ROUNDS; round++) {
		set_up(wanted, true);
		start(send_letter, senders);
		expect_fillers();
		for (int i = 0; i < SLEEPERS; i++)
			CHECK_EQ(take_letter(), 'A' + i);
		for (int i = 0; i < SLEEPERS; i++)
			check_child(senders[i]);
		tear_down();
	}
}

CASE(mq_senders_woken_in_one_burst_arrive_in_the_order_in_which_they_came)
{
	senders_arrive_in_order(SMALL_DEPTH);
}

CASE(mq_senders_woken_in_one_burst_arrive_in_order_in_a_deep_queue)
{
	senders_arrive_in_order(queue_deep_places());
}

static void receivers_are_served_in_order(long wanted)
{
	pid_t receivers[SLEEPERS];
	for (int round = 0; round < ROUNDS; round++) {
		set_up(wanted, false);
		start(receive_letter, receivers);
		for (int i = 0; i < SLEEPERS; i++)
			send_letter(i);
		for (int i = 0; i < SLEEPERS; i++)
			check_child(receivers[i]);
		tear_down();
	}
}

CASE(mq_receivers_woken_in_one_burst_get_the_messages_in_the_order_in_which_they_came)
{
	receivers_are_served_in_order(SMALL_DEPTH);
}

CASE(mq_receivers_woken_in_one_burst_get_the_messages_in_order_from_a_deep_queue)
{
	receivers_are_served_in_order(queue_deep_places());
}

/* A receiver that does not wait comes again until all have arrived. */
CASE(mq_senders_woken_by_one_that_does_not_wait_arrive_in_order)
{
	pid_t senders[SLEEPERS];
	char got[8];
	set_up(SMALL_DEPTH, true);
	start(send_letter, senders);
	mqd_t at_once = queue_again(0, O_RDONLY | O_NONBLOCK);
	for (int i = -SMALL_DEPTH; i < SLEEPERS; i++) {
		CHECK_SOON(mq_receive(at_once, got, sizeof got, NULL) == 1);
		CHECK_EQ(got[0], i < 0 ? '-' : 'A' + i);
	}
	for (int i = 0; i < SLEEPERS; i++)
		check_child(senders[i]);
}

/* What is left of a burst when one of those that sleep has gone in its way. */
static void the_others_arrive_in_order_without_the(int missing)
{
	expect_fillers();
	for (int i = 0; i < SLEEPERS; i++)
		if (i != missing)
			CHECK_EQ(take_letter(), 'A' + i);
}

static void others_arrive_in_order_without_one_killed(int victim)
{
	pid_t senders[SLEEPERS];
	set_up(SMALL_DEPTH, true);
	start(send_letter, senders);
	queue_kill_child(senders[victim]);
	/* On librsipc one of them looks what has happened. */
	for (int i = 0; i < SLEEPERS; i++)
		if (i != victim)
			queue_await_asleep(senders[i]);
	the_others_arrive_in_order_without_the(victim);
	for (int i = 0; i < SLEEPERS; i++)
		if (i != victim)
			check_child(senders[i]);
	tear_down();
}

CASE(mq_senders_arrive_in_order_if_one_of_them_is_killed_in_its_sleep)
{
	for (int victim = 0; victim < SLEEPERS; victim++)
		others_arrive_in_order_without_one_killed(victim);
}

CASE(mq_senders_arrive_in_order_if_the_first_is_stopped_in_its_sleep)
{
	pid_t senders[SLEEPERS];
	set_up(SMALL_DEPTH, true);
	start(send_letter, senders);
	CHECK_OK(kill(senders[0], SIGSTOP));
	CHECK_SOON(state_of(senders[0], senders[0]) == 'T');
	the_others_arrive_in_order_without_the(0);
	CHECK_OK(kill(senders[0], SIGCONT));
	CHECK_EQ(take_letter(), 'A');
	for (int i = 0; i < SLEEPERS; i++)
		check_child(senders[i]);
}

static void send_in_vain(int number)
{
	struct timespec soon = deadline_ms(number == 1 ? 50 : LONGEST_WAIT_S * 1000);
	char letter = (char)('A' + number);
	if (mq_timedsend(queue, &letter, 1, 0, &soon) == -1)
		CHECK_EQ(errno, ETIMEDOUT);
}

CASE(mq_senders_arrive_in_order_if_one_of_them_has_given_up)
{
	pid_t senders[SLEEPERS];
	set_up(SMALL_DEPTH, true);
	start(send_in_vain, senders);
	check_child(senders[1]);
	the_others_arrive_in_order_without_the(1);
	for (int i = 0; i < SLEEPERS; i++)
		if (i != 1)
			check_child(senders[i]);
}

/* The first of three senders, which has been woken: two others have left their wakes to it. */
static pid_t first_of_a_burst(pid_t others[2])
{
	step_queues(2);
	send_one();
	send_one();
	pid_t victim = step_victim(rehearse, send_one);
	step_to_sleep(victim);
	for (int i = 0; i < 2; i++) {
		others[i] = check_fork();
		if (others[i] == 0) {
			send_letter(i);
			_exit(0);
		}
		queue_await_asleep(others[i]);
	}
	receive_one();
	receive_one();
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	return victim;
}

/* The message of one of the others; that of the first may come before it. */
static char letter_of_another(void)
{
	char letter = take_letter();
	return letter == 'x' ? take_letter() : letter;
}

/* Their messages, and whether in their order. */
static bool others_came_in_order(pid_t others[2])
{
	char one = letter_of_another(), two = letter_of_another();
	CHECK_EQ(one + two, 'A' + 'B');
	for (int i = 0; i < 2; i++)
		check_child(others[i]);
	return one < two;
}

static bool order_counts;

static int killed_trial(int steps)
{
	pid_t others[2], victim = first_of_a_burst(others);
	int in_call = step_many(victim, steps);
	int left = asleep(others[0], others[0]);
	step_kill(victim);
	CHECK(others_came_in_order(others) || !order_counts);
	return !in_call ? STEP_OVER : left ? STEP_BETWEEN : STEP_LATE;
}

CASE_BETTER(mq_sender_killed_at_any_instruction_after_its_wake_leaves_the_next_wake_to_others,
	    "the kernel has put the message of the one that dies into the queue")
{
	int counts[STEP_ENDS];
	try_each_step(killed_trial, counts);
	CHECK(counts[STEP_BETWEEN] > 0);
}

static int stopped_trial(int steps)
{
	pid_t others[2], victim = first_of_a_burst(others);
	int in_call = step_many(victim, steps);
	CHECK(others_came_in_order(others) || !order_counts);
	step_kill(victim);
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(mq_sender_stopped_at_any_instruction_after_its_wake_holds_up_no_other)
{
	int counts[STEP_ENDS];
	try_each_step(stopped_trial, counts);
	CHECK(counts[STEP_LATE] > 0);
}

CASE(mq_sender_killed_at_any_instruction_after_its_wake_leaves_the_order_to_others)
{
	int counts[STEP_ENDS];
	order_counts = true;
	try_each_step(killed_trial, counts);
}

CASE(mq_sender_stopped_at_any_instruction_after_its_wake_leaves_the_order_to_others)
{
	int counts[STEP_ENDS];
	order_counts = true;
	try_each_step(stopped_trial, counts);
}
