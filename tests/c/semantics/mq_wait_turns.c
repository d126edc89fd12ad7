/* Which waiter goes first: the one that has waited longest; but a waiter that is held up does not
 * hold up others. */
#include "../support/queue.h"
#include "../support/step_queue.h"

enum { WAITERS = 4, ROUNDS = 20 };

static struct turns {
	atomic_int served;
	int order[WAITERS];
	atomic_int got;
} *turns;

static void take_turns(void)
{
	turns = shared_memory(sizeof *turns);
	for (int i = 0; i < WAITERS; i++)
		turns->order[i] = -1;
}

static void note_turn(int number)
{
	int place = atomic_fetch_add(&turns->served, 1);
	CHECK(place < WAITERS);
	turns->order[place] = number;
}

static void receive_in_turn(int number)
{
	receive_one();
	note_turn(number);
}

static void send_in_turn(int number)
{
	send_one();
	note_turn(number);
}

/* They go to sleep one after the other, and sleep for so long. */
static void each_in_turn(void (*wait)(int), void (*let_one_go)(void), long sleep_ms)
{
	pid_t waiters[WAITERS];
	take_turns();
	for (int i = 0; i < WAITERS; i++) {
		if ((waiters[i] = check_fork()) == 0) {
			wait(i);
			_exit(0);
		}
		queue_await_asleep(waiters[i]);
	}
	pause_ms(sleep_ms);
	for (int i = 0; i < WAITERS; i++) {
		let_one_go();
		CHECK_SOON(atomic_load(&turns->served) == i + 1);
		check_child(waiters[i]);
		CHECK_EQ(turns->order[i], i);
	}
}

CASE(mq_receivers_are_served_in_the_order_in_which_they_came)
{
	queue = queue_create(0, O_RDWR, 4, 8);
	each_in_turn(receive_in_turn, send_one, 0);
	each_in_turn(receive_in_turn, send_one, 2200);
}

CASE(mq_senders_are_served_in_the_order_in_which_they_came)
{
	queue = queue_create(0, O_RDWR, 1, 8);
	send_one();
	each_in_turn(send_in_turn, receive_one, 0);
	each_in_turn(send_in_turn, receive_one, 2200);
	receive_one();
}

/* A waiter that has slept for longer than a moment. */
static pid_t start_sleeper(void (*wait)(void))
{
	pid_t sleeper = check_fork();
	if (sleeper == 0) {
		wait();
		atomic_fetch_add(&turns->got, 1);
		_exit(0);
	}
	queue_await_asleep(sleeper);
	pause_ms(20);
	return sleeper;
}

static void set_nonblocking(void)
{
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
}

/* On one processor, where the sleeper cannot run before another process lets it. On a machine that
 * is busy with other things it may come too late for its turn, now and then. */
CASE(mq_receive_after_a_send_leaves_the_message_to_a_sleeper)
{
	char got[8];
	int left = 0;
	step_on_one_processor();
	for (int round = 0; round < ROUNDS; round++) {
		queue = queue_create(0, O_RDWR, 4, 8);
		take_turns();
		pid_t sleeper = start_sleeper(receive_one);
		struct timespec past = deadline_ms(-1000);
		send_one();
		if (mq_timedreceive(queue, got, sizeof got, NULL, &past) == -1) {
			CHECK_EQ(errno, ETIMEDOUT);
			left++;
		} else {
			send_one();
		}
		check_child(sleeper);
		CHECK_OK(mq_close(queue));
		CHECK_OK(mq_unlink(queue_name(0)));
	}
	CHECK(left > ROUNDS / 2);
}

CASE(mq_send_after_a_receive_leaves_the_space_to_a_sleeper)
{
	int left = 0;
	step_on_one_processor();
	for (int round = 0; round < ROUNDS; round++) {
		queue = queue_create(0, O_RDWR, 1, 8);
		take_turns();
		send_one();
		pid_t sleeper = start_sleeper(send_one);
		struct timespec past = deadline_ms(-1000);
		receive_one();
		if (mq_timedsend(queue, "x", 1, 0, &past) == -1) {
			CHECK_EQ(errno, ETIMEDOUT);
			left++;
		} else {
			receive_one();
		}
		check_child(sleeper);
		CHECK_OK(mq_close(queue));
		CHECK_OK(mq_unlink(queue_name(0)));
	}
	CHECK(left > ROUNDS / 2);
}

/* It has been woken, and is stopped before it comes for its message. */
CASE_BETTER(mq_receiver_that_is_stopped_as_it_is_woken_holds_up_no_other,
	    "the kernel has given it the message already")
{
	char got[8];
	step_check_ptrace();
	step_queues(4);
	pid_t victim = step_victim(rehearse, receive_one);
	step_to_sleep(victim);
	pause_ms(20);
	send_one();
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	CHECK_EQ(step_stage(), 1);
	set_nonblocking();
	CHECK_SOON(mq_receive(queue, got, sizeof got, NULL) == 1);
	step_kill(victim);
}

/* A message that was left to a waiter that has died since: no process waits for the dead one. */
CASE_BETTER(mq_receiver_that_is_killed_as_it_is_woken_holds_up_no_other,
	    "the kernel has given it the message already, and drops it")
{
	char got[8];
	step_check_ptrace();
	step_queues(4);
	pid_t victim = step_victim(rehearse, receive_one);
	step_to_sleep(victim);
	pause_ms(20);
	send_one();
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	step_kill(victim);
	set_nonblocking();
	CHECK_SOON(mq_receive(queue, got, sizeof got, NULL) == 1);
}
