/* Wakes that die with the process that has to give them, or was given them. */
#include "../support/queue.h"
#include "../support/step_queue.h"

/* Long enough for any process that is awake. No process here looks at the clock. */
#define BOUND_MS 5000

static atomic_int *received;

static pid_t start_receiver(void)
{
	pid_t receiver = check_fork();
	if (receiver == 0) {
		receive_one();
		atomic_fetch_add(received, 1);
		_exit(0);
	}
	queue_await_asleep(receiver);
	return receiver;
}

static void await_received(int count)
{
	for (int ms = 0; atomic_load(received) < count; ms++) {
		if (ms > BOUND_MS)
			check_fail(__FILE__, __LINE__,
				   "%ld messages are there, and a receiver sleeps",
				   queue_count(queue));
		pause_ms(1);
	}
}

/* The victim is the first in the row, so the wake is its own. */
static int woken_receiver_trial(int steps)
{
	step_queues(4);
	received = shared_memory(sizeof *received);
	pid_t victim = step_victim(rehearse, receive_one);
	step_to_sleep(victim);
	pid_t survivor = start_receiver();
	send_one();
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	int in_call = step_many(victim, steps);
	int left = queue_count(queue) == 1 && asleep(survivor, survivor);
	step_kill(victim);
	/* What it has taken is gone with it. */
	while (queue_count(queue) == 0 && atomic_load(received) == 0 && !asleep(survivor, survivor))
		pause_ms(1);
	if (queue_count(queue) == 0 && atomic_load(received) == 0)
		send_one();
	await_received(1);
	check_child(survivor);
	return !in_call ? STEP_OVER : left ? STEP_BETWEEN : STEP_LATE;
}

CASE_BETTER(mq_receiver_killed_at_any_instruction_after_its_wake,
	    "the kernel has taken the message out for the one that dies")
{
	int counts[STEP_ENDS];
	try_each_step(woken_receiver_trial, counts);
	CHECK(counts[STEP_BETWEEN] > 0);
}

static int woken_sender_trial(int steps)
{
	step_queues(1);
	received = shared_memory(sizeof *received);
	send_one();
	pid_t victim = step_victim(rehearse, send_one);
	step_to_sleep(victim);
	pid_t survivor = check_fork();
	if (survivor == 0) {
		send_one();
		atomic_fetch_add(received, 1);
		_exit(0);
	}
	queue_await_asleep(survivor);
	receive_one();
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	int in_call = step_many(victim, steps);
	int left = queue_count(queue) == 0 && asleep(survivor, survivor);
	step_kill(victim);
	/* What it has sent is in the way of the other one. */
	while (queue_count(queue) == 1 && atomic_load(received) == 0 && !asleep(survivor, survivor))
		pause_ms(1);
	if (queue_count(queue) == 1 && atomic_load(received) == 0)
		receive_one();
	await_received(1);
	check_child(survivor);
	CHECK_EQ(queue_count(queue), 1);
	return !in_call ? STEP_OVER : left ? STEP_BETWEEN : STEP_LATE;
}

CASE_BETTER(mq_sender_killed_at_any_instruction_after_its_wake,
	    "the kernel has put the message of the one that dies into the queue")
{
	int counts[STEP_ENDS];
	try_each_step(woken_sender_trial, counts);
	CHECK(counts[STEP_BETWEEN] > 0);
}

/* A sender that has sent, and has woken no waiter. */
static pid_t send_up_to_the_wake(void)
{
	long before = queue_count(queue);
	pid_t victim = step_victim(rehearse, send_one);
	while (queue_count(queue) == before)
		CHECK(step_one(victim) && step_stage() == 1);
	return victim;
}

CASE_BETTER(mq_two_senders_killed_before_their_wakes_wake_two_receivers,
	    "the kernel's senders cannot be killed in the middle")
{
	step_check_ptrace();
	for (int round = 0; round < 10; round++) {
		step_queues(4);
		received = shared_memory(sizeof *received);
		pid_t receivers[] = { start_receiver(), start_receiver() };
		pid_t victims[] = { send_up_to_the_wake(), send_up_to_the_wake() };
		CHECK_EQ(queue_count(queue), 2);
		CHECK_EQ(atomic_load(received), 0);
		for (int i = 0; i < 2; i++)
			CHECK_OK(kill(victims[i], SIGKILL));
		for (int i = 0; i < 2; i++)
			CHECK_EQ(waitpid(victims[i], NULL, 0), victims[i]);
		await_received(2);
		check_child(receivers[0]);
		check_child(receivers[1]);
		CHECK_OK(mq_close(queue));
		CHECK_OK(mq_close(elsewhere));
	}
}
