/* A participant is killed at each instruction of its call, while another one sleeps and counts on
 * it. */
#include "../support/notify.h"
#include "../support/step_queue.h"

#include <sys/epoll.h>

/* The promise: after this time every process that wants to know of a message knows of it. */
enum { PROMISED_MS = 1000 };

static atomic_int *ready, *told;

static void make_ground(long depth)
{
	step_queues(depth);
	ready = shared_memory(sizeof *ready);
	told = shared_memory(sizeof *told);
}

static void by_poll(void)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	atomic_store(ready, 1);
	CHECK_EQ(poll(&fd, 1, -1), 1);
}

static void by_poll_for_room(void)
{
	struct pollfd fd = { queue, POLLOUT, 0 };
	atomic_store(ready, 1);
	CHECK_EQ(poll(&fd, 1, -1), 1);
}

static void by_epoll_on_edges(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	atomic_store(ready, 1);
	CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
}

static void by_note(void)
{
	CHECK_OK(ask_for_note(queue, 1));
	atomic_store(ready, 1);
	expect_note();
}

static void by_receive(void)
{
	atomic_store(ready, 1);
	receive_one();
}

/* A process that wants to know of a change. Returns when it is asleep. */
static pid_t start_survivor(void (*wait)(void))
{
	pid_t survivor = check_fork();
	if (survivor == 0) {
		wait();
		atomic_store(told, 1);
		_exit(0);
	}
	/* On its way from the one to the other it may sleep for a moment, too. */
	CHECK_SOON(atomic_load(ready));
	for (int looks = 0; looks < 3; looks++)
		CHECK_SOON(asleep(survivor, survivor));
	return survivor;
}

static int await_told(const char *change)
{
	int ms = 0;
	for (; !atomic_load(told); ms++) {
		if (ms > PROMISED_MS)
			check_fail(__FILE__, __LINE__, "no process is told of the %s", change);
		pause_ms(1);
	}
	return ms;
}

/* `is_done`: the victim has done what the survivor waits for. If not, it must still wait, and the
 * living do it. */
static int judge(pid_t survivor, bool is_done, void (*again)(void))
{
	if (!is_done) {
		CHECK(!atomic_load(told));
		again();
	}
	int ms = await_told(is_done ? "change by the victim" : "change by the living");
	check_child(survivor);
	return !is_done ? STEP_EARLY : ms > 10 ? STEP_BETWEEN : STEP_LATE;
}

static int sender_trial(int steps, void (*wait)(void))
{
	make_ground(2);
	pid_t survivor = start_survivor(wait);
	pid_t victim = step_victim(rehearse, send_one);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	int end = judge(survivor, queue_count(queue) == 1, send_one);
	CHECK_EQ(queue_count(queue), 1);
	return in_call ? end : STEP_OVER;
}

static void each_step(int (*trial)(int))
{
	enum { STRIDE = 3 };
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	if (counts[STEP_BETWEEN] + counts[STEP_LATE] == 0)
		step_trials_by_stride(trial, STRIDE, counts);
	/* On a busy machine it is hard to tell what came at once. */
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_BETWEEN] + counts[STEP_LATE] > 0);
}

static int trial_with_poll(int steps)
{
	return sender_trial(steps, by_poll);
}

CASE(mq_sender_killed_at_any_instruction_while_another_polls)
{
	each_step(trial_with_poll);
}

static int trial_with_epoll(int steps)
{
	return sender_trial(steps, by_epoll_on_edges);
}

CASE(mq_sender_killed_at_any_instruction_while_another_waits_for_an_edge)
{
	each_step(trial_with_epoll);
}

static int trial_with_note(int steps)
{
	notes_are_waited_for();
	return sender_trial(steps, by_note);
}

CASE(mq_sender_killed_at_any_instruction_while_another_is_registered)
{
	each_step(trial_with_note);
}

static int trial_with_poll_for_room(int steps)
{
	make_ground(1);
	send_one();
	pid_t survivor = start_survivor(by_poll_for_room);
	pid_t victim = step_victim(rehearse, receive_one);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	int end = judge(survivor, queue_count(queue) == 0, receive_one);
	CHECK_EQ(queue_count(queue), 0);
	return in_call ? end : STEP_OVER;
}

CASE(mq_receiver_killed_at_any_instruction_while_another_polls_for_space)
{
	each_step(trial_with_poll_for_room);
}

static int trial_with_receiver(int steps)
{
	make_ground(2);
	pid_t survivor = start_survivor(by_receive);
	pid_t victim = step_victim(rehearse, send_one);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	bool is_done = false;
	/* Awake it has the message, or is about to have it, or takes a look of its own: that shows
	 * when it sleeps. */
	while (!is_done && !(queue_count(queue) == 0 && asleep(survivor, survivor))) {
		is_done = queue_count(queue) == 1 || atomic_load(told);
		pause_ms(1);
	}
	int end = judge(survivor, is_done, send_one);
	CHECK_EQ(queue_count(queue), 0);
	return in_call ? end : STEP_OVER;
}

CASE(mq_sender_killed_at_any_instruction_while_another_receives)
{
	each_step(trial_with_receiver);
}

/* The message of the victim came into the empty queue. Another one comes behind it, and a third
 * process takes the first. */
static int overtaken_trial(int steps, void (*end)(pid_t victim))
{
	notes_are_waited_for();
	make_ground(2);
	pid_t survivor = start_survivor(by_note);
	pid_t victim = step_victim(rehearse, send_one);
	int in_call = step_many(victim, steps);
	send_one();
	receive_one();
	end(victim);
	int ms = await_told("message into the empty queue");
	check_child(survivor);
	return !in_call ? STEP_OVER : ms > 10 ? STEP_BETWEEN : STEP_LATE;
}

static void each_step_of_an_overtaken_one(int (*trial)(int))
{
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	CHECK(counts[STEP_BETWEEN] + counts[STEP_LATE] > 1);
}

static int overtaken_and_killed_trial(int steps)
{
	return overtaken_trial(steps, step_kill);
}

CASE(mq_sender_killed_at_any_instruction_after_its_message_was_received_and_another_came)
{
	each_step_of_an_overtaken_one(overtaken_and_killed_trial);
}

static void let_go(pid_t victim)
{
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	step_kill(victim);
}

static int overtaken_trial_of_a_slow_one(int steps)
{
	return overtaken_trial(steps, let_go);
}

CASE(mq_slow_sender_tells_of_its_message_that_was_received_before_another_one)
{
	each_step_of_an_overtaken_one(overtaken_trial_of_a_slow_one);
}
