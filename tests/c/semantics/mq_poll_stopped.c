/* A process that uses the queue is stopped, at any instruction, or is killed: pollers hear of the
 * others. */
#include "../support/step_queue.h"

#include <sys/epoll.h>

static atomic_int *told;

static pid_t start_poller(short events)
{
	told = shared_memory(sizeof *told);
	pid_t poller = check_fork();
	if (poller == 0) {
		struct pollfd fd = { queue, events, 0 };
		CHECK_EQ(poll(&fd, 1, -1), 1);
		atomic_store(told, 1);
		_exit(0);
	}
	queue_await_asleep(poller);
	return poller;
}

static pid_t start_epoll(short events)
{
	told = shared_memory(sizeof *told);
	pid_t poller = check_fork();
	if (poller == 0) {
		struct epoll_event event = { .events = (uint32_t)events };
		int epoll = epoll_create1(0);
		CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
		CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
		atomic_store(told, 1);
		_exit(0);
	}
	queue_await_asleep(poller);
	return poller;
}

static void let_go(pid_t victim)
{
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	step_kill(victim);
}

static void in_another(void (*body)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		body();
		_exit(0);
	}
	check_child(child);
}

/* The victim is stopped in its call; another one makes the same, and every poller is told. */
static int stopped_trial(int steps, pid_t poller, void (*call)(void))
{
	pid_t victim = step_victim(rehearse, call);
	int in_call = step_many(victim, steps);
	in_another(call);
	CHECK_SOON(atomic_load(told));
	check_child(poller);
	let_go(victim);
	return in_call ? STEP_LATE : STEP_OVER;
}

static int sender_trial(int steps)
{
	step_queues(2);
	int end = stopped_trial(steps, start_poller(POLLIN), send_one);
	CHECK_EQ(queue_count(queue), 2);
	CHECK_EQ(queue_events(queue), POLLIN);
	return end;
}

static int sender_trial_with_epoll(int steps)
{
	step_queues(2);
	int end = stopped_trial(steps, start_epoll(POLLIN), send_one);
	CHECK_EQ(queue_count(queue), 2);
	return end;
}

static int receiver_trial(int steps)
{
	step_queues(2);
	send_one();
	send_one();
	int end = stopped_trial(steps, start_poller(POLLOUT), receive_one);
	CHECK_EQ(queue_count(queue), 0);
	CHECK_EQ(queue_events(queue), POLLOUT);
	return end;
}

static void each_step(int (*trial)(int))
{
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	CHECK(counts[STEP_LATE] > 3);
}

CASE(mq_poll_hears_of_one_sender_while_another_is_stopped_at_any_instruction)
{
	each_step(sender_trial);
}

CASE(mq_epoll_hears_of_one_sender_while_another_is_stopped_at_any_instruction)
{
	each_step(sender_trial_with_epoll);
}

CASE(mq_poll_hears_of_space_while_a_receiver_is_stopped_at_any_instruction)
{
	each_step(receiver_trial);
}

static void await_state(pid_t pid, char state)
{
	CHECK_SOON(state_of(pid, pid) == state);
}

CASE(mq_poller_that_is_stopped_holds_up_no_other_and_is_told_later)
{
	queue = unnamed_queue("stopped", 2);
	pid_t poller = start_poller(POLLIN);
	CHECK_OK(kill(poller, SIGSTOP));
	await_state(poller, 'T');
	for (int i = 0; i < 100; i++) {
		send_one();
		CHECK_EQ(queue_events(queue) & POLLIN, POLLIN);
		receive_one();
		CHECK_EQ(queue_events(queue), POLLOUT);
	}
	send_one();
	CHECK_OK(kill(poller, SIGCONT));
	check_child(poller);
}

CASE(mq_poller_that_is_killed_takes_nothing_with_it)
{
	queue = unnamed_queue("killed", 2);
	for (int round = 0; round < 10; round++) {
		pid_t killed = start_poller(POLLIN), other = start_epoll(POLLIN);
		queue_kill_child(killed);
		send_one();
		check_child(other);
		receive_one();
		CHECK_EQ(queue_events(queue), POLLOUT);
	}
}

/* It sends, and has no descriptor left for whatever it would open. */
CASE(mq_poll_hears_of_a_sender_without_a_free_descriptor)
{
	queue = unnamed_queue("emfile", 2);
	pid_t poller = start_poller(POLLIN), sender = check_fork();
	if (sender == 0) {
		while (dup(2) != -1)
			;
		CHECK_EQ(errno, EMFILE);
		send_one();
		_exit(0);
	}
	check_child(sender);
	check_child(poller);
	receive_one();
	poller = start_epoll(POLLIN);
	sender = check_fork();
	if (sender == 0) {
		while (dup(2) != -1)
			;
		send_one();
		_exit(0);
	}
	check_child(sender);
	check_child(poller);
}
