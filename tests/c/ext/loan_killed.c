/* A process is killed at each instruction of one of the five calls. What it had goes back, in its
 * place, and one that sleeps and can go on does. */
#include "../support/loan.h"
#include "../support/step_queue.h"

/* Before the step that is looked at. */
static void *had;

/* All that the library needs once in a process, on another queue. */
static void rehearse_loans(void)
{
	void *memory = loan(elsewhere);
	CHECK_OK(rsipc_mq_commit(elsewhere, memory, 1, 0));
	memory = borrow(elsewhere);
	CHECK_OK(rsipc_mq_return(elsewhere, memory));
	memory = borrow(elsewhere);
	CHECK_OK(rsipc_mq_release(elsewhere, memory));
}

static void rehearse_with_loan(void)
{
	rehearse_loans();
	had = loan(queue);
	CHECK(had);
	memcpy(had, "new", 3);
}

static void rehearse_with_message(void)
{
	rehearse_loans();
	had = borrow_expecting(queue, "first", 2);
}

static void do_loan(void)
{
	loan(queue);
}

static void do_borrow(void)
{
	borrow(queue);
}

static void do_commit(void)
{
	rsipc_mq_commit(queue, had, 3, 1);
}

static void do_release(void)
{
	rsipc_mq_release(queue, had);
}

static void do_return(void)
{
	rsipc_mq_return(queue, had);
}

static void make_ground(long depth)
{
	step_queues(depth);
}

/* After so many instructions of the call. Whether it was in the call. */
static bool kill_in(void (*before)(void), void (*call)(void), int steps)
{
	pid_t victim = step_victim(before, call);
	bool in_call = step_many(victim, steps);
	step_kill(victim);
	return in_call;
}

static int ended(bool in_call, bool is_done)
{
	return !in_call ? STEP_OVER : is_done ? STEP_LATE : STEP_EARLY;
}

/* These messages are there, and the other places are free. */
static void expect_messages(int depth, const char *first, const char *second, const char *third)
{
	int count = 0;
	if (first && ++count)
		queue_expect(queue, first, 2);
	if (second && ++count)
		queue_expect(queue, second, 1);
	if (third && ++count)
		queue_expect(queue, third, 1);
	expect_no_message(queue);
	expect_room_for(queue, depth);
}

static void two_messages(void)
{
	queue_put(queue, "first", 2);
	queue_put(queue, "second", 1);
}

static int loan_trial(int steps)
{
	make_ground(4);
	two_messages();
	bool in_call = kill_in(rehearse_loans, do_loan, steps);
	expect_messages(4, "first", "second", NULL);
	return ended(in_call, steps > 0);
}

static int borrow_trial(int steps)
{
	make_ground(4);
	two_messages();
	bool in_call = kill_in(rehearse_loans, do_borrow, steps);
	expect_messages(4, "first", "second", NULL);
	return ended(in_call, steps > 0);
}

static int commit_trial(int steps)
{
	make_ground(4);
	two_messages();
	bool in_call = kill_in(rehearse_with_loan, do_commit, steps);
	bool is_done = queue_count(queue) == 3;
	expect_messages(4, "first", "second", is_done ? "new" : NULL);
	return ended(in_call, is_done);
}

static int release_trial(int steps)
{
	make_ground(4);
	two_messages();
	bool in_call = kill_in(rehearse_with_message, do_release, steps);
	bool is_done = queue_count(queue) == 1;
	expect_messages(4, is_done ? NULL : "first", "second", NULL);
	return ended(in_call, is_done);
}

static int return_trial(int steps)
{
	make_ground(4);
	two_messages();
	bool in_call = kill_in(rehearse_with_message, do_return, steps);
	expect_messages(4, "first", "second", NULL);
	return ended(in_call, steps > 0);
}

static void each_step(int (*trial)(int))
{
	enum { STRIDE = 8 };
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	/* The record itself is one that is over. */
	if (counts[STEP_LATE] + counts[STEP_OVER] < 2)
		step_trials_by_stride(trial, STRIDE, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_LATE] + counts[STEP_OVER] > 1);
}

CASE(loan_taker_killed_at_any_instruction)
{
	each_step(loan_trial);
}

CASE(loan_borrower_killed_at_any_instruction)
{
	each_step(borrow_trial);
}

CASE(loan_committer_killed_at_any_instruction)
{
	each_step(commit_trial);
}

CASE(loan_releaser_killed_at_any_instruction)
{
	each_step(release_trial);
}

CASE(loan_returner_killed_at_any_instruction)
{
	each_step(return_trial);
}

static pid_t start_sleeper(void (*wait_for)(void))
{
	pid_t sleeper = check_fork();
	if (sleeper == 0) {
		wait_for();
		_exit(0);
	}
	for (int looks = 0; looks < 3; looks++)
		CHECK_SOON(asleep(sleeper, sleeper));
	return sleeper;
}

static void receive_first(void)
{
	void *body = borrow(queue);
	CHECK(body && memcmp(body, "first", 5) == 0);
	CHECK_OK(rsipc_mq_release(queue, body));
}

static void receive_new(void)
{
	char got[8];
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 3);
}

static void send_room(void)
{
	CHECK_OK(mq_send(queue, "room", 4, 0));
}

static int trial_of_return_beside_a_sleeper(int steps)
{
	make_ground(2);
	queue_put(queue, "first", 2);
	pid_t victim = step_victim(rehearse_with_message, do_return);
	pid_t sleeper = start_sleeper(receive_first);
	bool in_call = step_many(victim, steps);
	step_kill(victim);
	check_child(sleeper);
	expect_room_for(queue, 2);
	return ended(in_call, steps > 0);
}

CASE(loan_returner_killed_at_any_instruction_while_another_receives)
{
	each_step(trial_of_return_beside_a_sleeper);
}

static int trial_of_release_beside_a_sleeper(int steps)
{
	make_ground(1);
	queue_put(queue, "first", 2);
	pid_t victim = step_victim(rehearse_with_message, do_release);
	pid_t sleeper = start_sleeper(send_room);
	bool in_call = step_many(victim, steps);
	step_kill(victim);
	/* Either the message is back, or its place is free and the sleeper takes it. */
	char got[8];
	ssize_t length = mq_receive(queue, got, sizeof got, NULL);
	CHECK(length == 5 || length == 4);
	check_child(sleeper);
	if (length == 5)
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
	expect_room_for(queue, 1);
	return ended(in_call, length == 4);
}

CASE(loan_releaser_killed_at_any_instruction_while_another_sends)
{
	each_step(trial_of_release_beside_a_sleeper);
}

static int trial_of_commit_beside_a_sleeper(int steps)
{
	make_ground(2);
	pid_t victim = step_victim(rehearse_with_loan, do_commit);
	pid_t sleeper = start_sleeper(receive_new);
	bool in_call = step_many(victim, steps);
	step_kill(victim);
	/* If it was not sent, the sleeper sleeps on. */
	siginfo_t end = { 0 };
	bool is_done = false;
	while (!is_done && !(queue_count(queue) == 0 && asleep(sleeper, sleeper))) {
		CHECK_OK(waitid(P_PID, (id_t)sleeper, &end, WEXITED | WNOHANG | WNOWAIT));
		is_done = queue_count(queue) == 1 || end.si_pid == sleeper;
		pause_ms(1);
	}
	if (!is_done)
		CHECK_OK(mq_send(queue, "old", 3, 0));
	check_child(sleeper);
	expect_room_for(queue, 2);
	return ended(in_call, is_done);
}

CASE(loan_committer_killed_at_any_instruction_while_another_receives)
{
	each_step(trial_of_commit_beside_a_sleeper);
}
