/* A process is stopped, or killed, at each instruction of its call, while one of another PID
 * namespace uses the same queue: a PID may mean no process there, or another one. */
#include "../support/namespace.h"
#include "../support/step_queue.h"
#include "../support/struck.h"

static atomic_int *stage, *is_ready;

/* Which of the two is process 1 of a namespace of its own. */
static bool victim_is_1, other_is_1;

static const char text_a[] = "aaaaaaa", text_b[] = "bbbbbbb";

static void await_stage(int wanted)
{
	while (atomic_load(stage) < wanted)
		pause_ms(1);
}

/* The other one: at stage 1 it does its work. */
static pid_t start_other(void (*work)(void))
{
	stage = shared_memory(sizeof *stage);
	is_ready = shared_memory(sizeof *is_ready);
	pid_t other = other_is_1 ? namespace_fork() : check_fork();
	if (other == 0) {
		CHECK_OK(mq_send(elsewhere, "x", 1, 0));
		queue_take(elsewhere);
		atomic_store(is_ready, 1);
		await_stage(1);
		work();
		_exit(0);
	}
	/* The victim rehearses with the same queue. */
	CHECK_SOON(atomic_load(is_ready));
	return other;
}

static pid_t start_victim(void (*prepare)(void), void (*call)(void))
{
	int here = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	CHECK_OK(here);
	if (victim_is_1)
		CHECK_OK(unshare(CLONE_NEWPID));
	pid_t victim = step_victim(prepare, call);
	CHECK_OK(setns(here, CLONE_NEWPID));
	CHECK_OK(close(here));
	return victim;
}

static void let_go(pid_t victim)
{
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	step_kill(victim);
}

static void each_place_can_be_used(long depth)
{
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	for (long i = 0; i < depth; i++)
		CHECK_OK(mq_send(queue, text_a, sizeof text_a, 0));
	CHECK_FAILS(mq_send(queue, text_a, sizeof text_a, 0), EAGAIN);
	for (long i = 0; i < depth; i++)
		queue_expect(queue, text_a, 0);
}

static void send_a(void)
{
	mq_send(queue, text_a, sizeof text_a, 0);
}

static void send_b(void)
{
	CHECK_OK(mq_send(queue, text_b, sizeof text_b, 0));
}

/* It looks, sleeps in vain, and then sends: all that makes it wonder about the place of another. */
static void miss_and_send_b(void)
{
	char got[8];
	struct timespec when = deadline_ms(100);
	if (mq_timedreceive(queue, got, sizeof got, NULL, &when) != -1)
		CHECK_OK(mq_send(queue, got, sizeof got, 0));
	send_b();
}

/* Both are there, each of them whole. */
static void expect_both(void)
{
	CHECK_EQ(queue_count(queue), 2);
	char got[2][8];
	for (int i = 0; i < 2; i++)
		CHECK_EQ(mq_receive(queue, got[i], sizeof got[i], NULL), 8);
	CHECK(strcmp(got[0], text_a) == 0 || strcmp(got[0], text_b) == 0);
	CHECK(strcmp(got[1], got[0][0] == 'a' ? text_b : text_a) == 0);
	each_place_can_be_used(4);
}

static int stopped_sender_trial(int steps)
{
	step_queues(4);
	pid_t other = start_other(miss_and_send_b);
	pid_t victim = start_victim(rehearse, send_a);
	int in_call = step_many(victim, steps);
	atomic_store(stage, 1);
	check_child(other);
	let_go(victim);
	expect_both();
	return in_call ? STEP_LATE : STEP_OVER;
}

/* In the middle of its call, a handler of the victim uses another queue, and stays for a while. */
static void send_elsewhere_and_stay(int signal)
{
	(void)signal;
	CHECK_OK(mq_send(elsewhere, "x", 1, 0));
	struck_add(&struck->handled);
	await_stage(2);
}

static void send_a_and_return(void)
{
	struck_returned(mq_send(queue, text_a, sizeof text_a, 0) == 0);
}

static void rehearse_with_handler(void)
{
	rehearse();
	struck_by(send_elsewhere_and_stay, SA_RESTART);
}

static int nested_sender_trial(int steps)
{
	struck_prepare();
	step_queues(4);
	pid_t other = start_other(miss_and_send_b);
	pid_t victim = start_victim(rehearse_with_handler, send_a_and_return);
	bool in_call = strike_after(victim, steps);
	if (in_call)
		CHECK_SOON(struck_read(&struck->handled) == 1);
	atomic_store(stage, 1);
	check_child(other);
	atomic_store(stage, 2);
	CHECK_SOON(struck_read(&struck->done) == 1);
	CHECK_EQ(struck->failed, 0);
	step_kill(victim);
	expect_both();
	return in_call ? STEP_LATE : STEP_OVER;
}

static int killed_sender_trial(int steps)
{
	step_queues(4);
	pid_t other = start_other(miss_and_send_b);
	pid_t victim = start_victim(rehearse, send_a);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	atomic_store(stage, 1);
	check_child(other);
	long count = queue_count(queue);
	CHECK(count == 1 || count == 2);
	char got[8];
	for (long i = 0; i < count; i++) {
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 8);
		CHECK(strcmp(got, i == count - 1 && count == 1 ? text_b
				  : got[0] == 'a'	       ? text_a
							       : text_b) == 0);
	}
	each_place_can_be_used(4);
	return in_call ? STEP_LATE : STEP_OVER;
}

static void receive_and_send_b(void)
{
	queue_take(queue);
	send_b();
}

/* The queue holds two: each of the receivers takes one, and none is there twice. */
static int receiver_trial(int steps, void (*end)(pid_t))
{
	step_queues(4);
	CHECK_OK(mq_send(queue, text_a, sizeof text_a, 0));
	CHECK_OK(mq_send(queue, text_a, sizeof text_a, 0));
	pid_t other = start_other(receive_and_send_b);
	pid_t victim = start_victim(rehearse, receive_one);
	int in_call = step_many(victim, steps);
	if (end == step_kill)
		step_kill(victim);
	atomic_store(stage, 1);
	check_child(other);
	if (end != step_kill)
		end(victim);
	long count = queue_count(queue);
	CHECK(count == 1 || (count == 2 && end == step_kill));
	if (count == 2)
		queue_expect(queue, text_a, 0);
	queue_expect(queue, text_b, 0);
	each_place_can_be_used(4);
	return in_call ? STEP_LATE : STEP_OVER;
}

static int stopped_receiver_trial(int steps)
{
	return receiver_trial(steps, let_go);
}

static int killed_receiver_trial(int steps)
{
	return receiver_trial(steps, step_kill);
}

static void each_step(int (*trial)(int))
{
	int counts[STEP_ENDS];
	need_namespaces();
	for (int ones = 1; ones <= 3; ones++) {
		victim_is_1 = ones & 1;
		other_is_1 = ones & 2;
		try_each_step(trial, counts);
		CHECK(counts[STEP_LATE] > 3);
	}
}

CASE(mq_sender_stopped_at_any_instruction_in_another_namespace)
{
	each_step(stopped_sender_trial);
}

CASE(mq_sender_killed_at_any_instruction_in_another_namespace)
{
	each_step(killed_sender_trial);
}

CASE(mq_receiver_stopped_at_any_instruction_in_another_namespace)
{
	each_step(stopped_receiver_trial);
}

CASE(mq_receiver_killed_at_any_instruction_in_another_namespace)
{
	each_step(killed_receiver_trial);
}

/* A case for each combination: one takes 15 s on two processors. */
static void strike_each_step_in(bool victim, bool other)
{
	need_namespaces();
	victim_is_1 = victim;
	other_is_1 = other;
	strike_each_step(nested_sender_trial);
}

CASE(mq_sender_lingers_in_a_handler_at_any_instruction_as_process_1)
{
	strike_each_step_in(true, false);
}

CASE(mq_sender_lingers_in_a_handler_at_any_instruction_beside_process_1)
{
	strike_each_step_in(false, true);
}

CASE(mq_sender_lingers_in_a_handler_at_any_instruction_as_one_of_two_processes_1)
{
	strike_each_step_in(true, true);
}
