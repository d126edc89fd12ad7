/* mq_notify beside receivers that sleep. A message that one of them waits for notifies nobody, and
 * the queue stays empty: the next message notifies, however long the receiver is on its way. */
#include "../support/notify.h"

enum { ROUNDS = 20, RECEIVERS = 2 };

static mqd_t queue;
static pid_t receivers[RECEIVERS];

/* On one processor a sender goes on while what it has woken does not run. */
static void use_one_processor(void)
{
	cpu_set_t all, one;
	CHECK_OK(sched_getaffinity(0, sizeof all, &all));
	CPU_ZERO(&one);
	for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	CHECK_OK(sched_setaffinity(0, sizeof one, &one));
}

static void set_up(void)
{
	use_one_processor();
	queue = queue_for_notes(O_NONBLOCK);
}

static pid_t asleep_in_receive(void)
{
	pid_t child = check_fork();
	if (child == 0) {
		struct sched_param none = { 0 };
		CHECK_OK(sched_setscheduler(0, SCHED_IDLE, &none));
		mqd_t own = queue_again(0, O_RDONLY);
		queue_take(own);
		_exit(0);
	}
	queue_await_asleep(child);
	return child;
}

static void begin(int count)
{
	for (int i = 0; i < count; i++)
		receivers[i] = asleep_in_receive();
}

static void end(int count)
{
	char got[SMALL_SIZE];
	for (int i = 0; i < count; i++)
		check_child(receivers[i]);
	while (mq_receive(queue, got, sizeof got, NULL) >= 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

CASE(mq_notify_of_the_message_behind_those_that_receivers_wait_for)
{
	set_up();
	for (int round = 0; round < ROUNDS; round++) {
		int count = 1 + round % RECEIVERS;
		begin(count);
		CHECK_OK(ask_for_note(queue, round));
		for (int i = 0; i <= count; i++)
			queue_put(queue, "news", 0);
		CHECK_EQ(expect_note().si_value.sival_int, round);
		end(count);
	}
}

CASE(mq_notify_that_is_asked_for_while_a_message_is_on_its_way)
{
	set_up();
	for (int round = 0; round < ROUNDS; round++) {
		begin(1);
		queue_put(queue, "news", 0);
		CHECK_OK(ask_for_note(queue, round));
		queue_put(queue, "more news", 0);
		CHECK_EQ(expect_note().si_value.sival_int, round);
		end(1);
	}
}

CASE(mq_notify_where_the_receiver_is_killed_on_its_way)
{
	set_up();
	for (int round = 0; round < ROUNDS; round++) {
		char got[SMALL_SIZE];
		begin(1);
		CHECK_OK(ask_for_note(queue, round));
		queue_put(queue, "news", 0);
		CHECK_OK(kill(receivers[0], SIGKILL));
		queue_put(queue, "more news", 0);
		CHECK_EQ(expect_note().si_value.sival_int, round);
		CHECK_EQ(waitpid(receivers[0], NULL, 0), receivers[0]);
		while (mq_receive(queue, got, sizeof got, NULL) >= 0)
			;
	}
}

CASE(mq_notify_of_no_message_that_a_receiver_waits_for)
{
	sigset_t set = note_set();
	set_up();
	for (int round = 0; round < ROUNDS; round++) {
		begin(RECEIVERS);
		CHECK_OK(ask_for_note(queue, round));
		for (int i = 0; i < RECEIVERS; i++)
			queue_put(queue, "news", 0);
		for (int i = 0; i < RECEIVERS; i++)
			check_child(receivers[i]);
		CHECK_FAILS(sigtimedwait(&set, NULL, &(struct timespec){ 0 }), EAGAIN);
		queue_put(queue, "news", 0);
		CHECK_EQ(expect_note().si_value.sival_int, round);
		end(0);
	}
}
