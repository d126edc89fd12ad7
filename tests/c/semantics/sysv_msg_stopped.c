/* A process is stopped in the middle of its call, and others go on as if it were not there. */
#include "../support/common_memory.h"
#include "../support/step.h"
#include "../support/sysv_msg_sleepers.h"

enum { AT_A_TIME = 6, LENGTH = 900, PART = 100, LIMIT = 4 * LENGTH };

static int queue, elsewhere, instructions_of_a_send;
static struct message letter, got;

/* Also a wake: what a process needs for its first one takes many instructions. */
static void rehearse(void)
{
	struct sleeper *receiver = PROCESS_RECEIVES(elsewhere, 5, 0);
	PUT(elsewhere, 5, "wake");
	GETS(receiver, 5, "wake");
	CHECK_OK(msgsnd(elsewhere, &letter, LENGTH, 0));
	CHECK_EQ(msgrcv(elsewhere, &got, BODY, 0, 0), LENGTH);
}

static void send_one(void)
{
	msgsnd(queue, &letter, LENGTH, 0);
}

static void receive_one(void)
{
	msgrcv(queue, &got, BODY, 4, 0);
}

static void prepare(void)
{
	step_on_one_processor();
	queue = new_queue_of(LIMIT);
	elsewhere = new_queue();
	letter.type = 4;
}

static pid_t stopped_after(void (*call)(void), int steps, int *in_call)
{
	pid_t victim = step_victim(rehearse, call);
	*in_call = step_many(victim, steps);
	return victim;
}

static void count_instructions(void)
{
	prepare();
	pid_t victim = step_victim(rehearse, send_one);
	while (step_stage() == 1)
		instructions_of_a_send += step_one(victim);
	step_kill(victim);
	remove_queue(queue);
	remove_queue(elsewhere);
}

static int killed_beside_a_stopped_sender(void (*call)(void), int steps)
{
	enum { STRIDE = 31 };
	int in_call;
	prepare();
	CHECK_OK(msgsnd(queue, &letter, LENGTH, 0));
	pid_t stopped = stopped_after(send_one, instructions_of_a_send / 2, &in_call);
	pid_t victim = stopped_after(call, STRIDE * steps, &in_call);
	step_kill(victim);
	/* All but what the stopped one may have in hand. */
	for (unsigned long used = status_of(queue).msg_cbytes; used + LENGTH + PART <= LIMIT;
	     used += PART)
		PUT_BYTES(queue, 9, PART, used);
	step_kill(stopped);
	unsigned long used = status_of(queue).msg_cbytes;
	for (; used + PART <= LIMIT; used += PART)
		PUT_BYTES(queue, 9, PART, used);
	CHECK_FAILS(send_text(queue, 9, "x", IPC_NOWAIT), EAGAIN);
	remove_queue(queue);
	remove_queue(elsewhere);
	return in_call ? STEP_EARLY : STEP_OVER;
}

static int sender_trial(int steps)
{
	return killed_beside_a_stopped_sender(send_one, steps);
}

static int receiver_trial(int steps)
{
	return killed_beside_a_stopped_sender(receive_one, steps);
}

static void try_each_step(int (*trial)(int))
{
	int counts[STEP_ENDS] = { 0 };
	step_check_ptrace();
	step_trials(trial, AT_A_TIME, counts);
	CHECK(counts[STEP_OVER] > 0);
}

CASE(msgsnd_killed_at_any_instruction_while_another_is_stopped_leaves_its_space)
{
	step_check_ptrace();
	count_instructions();
	try_each_step(sender_trial);
}

CASE(msgrcv_killed_at_any_instruction_while_another_is_stopped_leaves_its_space)
{
	step_check_ptrace();
	count_instructions();
	try_each_step(receiver_trial);
}

/* The message is too long for the one that sleeps. Another one takes it, while its sender is
 * stopped anywhere in its call. */
static int too_long_trial(int steps)
{
	enum { STRIDE = 61 };
	int in_call;
	prepare();
	struct sleeper *small = sleep_in_process(receiver_of(queue, 8, 0, 0));
	pid_t sender = stopped_after(send_one, STRIDE * steps, &in_call);
	bool is_taken = msgrcv(queue, &got, BODY, 0, IPC_NOWAIT) == LENGTH;
	step_kill(sender);
	if (!is_taken && count_of(queue) == 0)
		CHECK_OK(msgsnd(queue, &letter, LENGTH, 0));
	CHECK_EQ(end_of(small), E2BIG);
	remove_queue(queue);
	remove_queue(elsewhere);
	return !in_call ? STEP_OVER : is_taken ? STEP_LATE : STEP_EARLY;
}

CASE(msgrcv_ends_for_a_message_too_long_that_another_takes_from_a_stopped_sender)
{
	try_each_step(too_long_trial);
}

/* The sender is killed on its entry to a system call, such as the wake of the one that sleeps, or
 * on its return. The kernel tells of that the one that came first. */
static int killed_refuser_trial(int stops)
{
	int in_call = 1;
	prepare();
	struct sleeper *other = PROCESS_RECEIVES(queue, 99, 0),
		       *small = sleep_in_process(receiver_of(queue, 8, 0, 0));
	pid_t sender = step_victim(rehearse, send_one);
	while (in_call && stops-- > 0)
		in_call = step_on(PTRACE_SYSCALL, sender) && step_stage() == 1;
	step_kill(sender);
	if (count_of(queue) == 0)
		CHECK_OK(msgsnd(queue, &letter, LENGTH, 0));
	CHECK_EQ(end_of(small), E2BIG);
	PUT(queue, 99, "other");
	GETS(other, 99, "other");
	remove_queue(queue);
	remove_queue(elsewhere);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(msgrcv_ends_for_a_message_too_long_whose_sender_is_killed_at_any_system_call)
{
	try_each_step(killed_refuser_trial);
}

/* The queue is removed while a sender is stopped anywhere in its call, and one receiver sleeps.
 * What the sender is told later is what has become of the receiver. */
static struct sent {
	int result, error;
} *sent;

static void send_and_note(void)
{
	sent->result = msgsnd(queue, &letter, LENGTH, 0);
	sent->error = errno;
}

static int removal_trial_of(size_t capacity, int end_if_sent, int steps)
{
	enum { STRIDE = 73 };
	int in_call;
	prepare();
	sent = common_memory(sizeof *sent);
	struct sleeper *receiver = sleep_in_process(receiver_of(queue, capacity, 0, 0));
	pid_t sender = stopped_after(send_and_note, STRIDE * steps, &in_call);
	remove_queue(queue);
	int end = end_of(receiver);
	if (in_call) {
		CHECK_OK(ptrace(PTRACE_CONT, sender, NULL, NULL));
		CHECK_SOON(step_stage() == 2);
	}
	if (sent->result == 0)
		CHECK_EQ(end, end_if_sent);
	else
		CHECK(sent->error == EIDRM || sent->error == EINVAL);
	step_kill(sender);
	remove_queue(elsewhere);
	return !in_call ? STEP_OVER : sent->result == 0 ? STEP_LATE : STEP_EARLY;
}

static int removal_trial(int steps)
{
	return removal_trial_of(BODY, 0, steps);
}

static int removal_too_long_trial(int steps)
{
	return removal_trial_of(8, E2BIG, steps);
}

CASE(msgctl_removal_beside_a_stopped_sender_ends_both_calls_alike)
{
	try_each_step(removal_trial);
}

CASE(msgctl_removal_beside_a_stopped_sender_of_too_long_a_message_ends_both_calls_alike)
{
	try_each_step(removal_too_long_trial);
}

static void receive_eight(void)
{
	msgrcv(queue, &got, 8, 8, 0);
}

static void send_seven(void)
{
	send_text(queue, 7, "seven b", 0);
}

/* It has been woken for its message of 8 bytes, out of 10, and goes no further. */
static pid_t stopped_with_its_message(void)
{
	prepare();
	limit_queue(queue, 10);
	pid_t receiver = step_victim(rehearse, receive_eight);
	step_to_sleep(receiver);
	PUT(queue, 1, "1");
	PUT(queue, 8, "8 bytes.");
	int status;
	CHECK_EQ(waitpid(receiver, &status, 0), receiver);
	CHECK(WIFSTOPPED(status));
	PUT(queue, 1, "2345");
	CHECK_HOLDS(queue, 2, 5);
	return receiver;
}

static void end_stopped_with_its_message(pid_t receiver)
{
	CHECK_HOLDS(queue, 2, 8);
	step_kill(receiver);
	remove_queue(queue);
	remove_queue(elsewhere);
}

CASE(msgsnd_asleep_goes_on_beside_a_receiver_stopped_with_its_message)
{
	step_check_ptrace();
	pid_t receiver = stopped_with_its_message();
	struct sleeper *sender = PROCESS_SENDS(queue, 7, "seven b");
	GET(queue, 0, 0, 1, "1");
	SLEEPS_ON(sender);
	PUT(queue, 1, "6");
	GET(queue, 0, 0, 1, "2345");
	CHECK_EQ(end_of(sender), 0);
	end_stopped_with_its_message(receiver);
}

/* The space comes while the sender is on its way to sleep, after so many entries to system calls
 * and returns from them. */
static int late_space_trial(int stops)
{
	int in_call = 1;
	pid_t receiver = stopped_with_its_message();
	PUT(queue, 1, "6");
	pid_t sender = step_victim(rehearse, send_seven);
	while (in_call && stops-- > 0)
		in_call = step_on(PTRACE_SYSCALL, sender);
	GET(queue, 0, 0, 1, "1");
	GET(queue, 0, 0, 1, "2345");
	/* One that sleeps stops when it is woken. */
	if (!in_call)
		CHECK_EQ(waitpid(sender, NULL, 0), sender);
	CHECK_OK(ptrace(PTRACE_CONT, sender, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	step_kill(sender);
	end_stopped_with_its_message(receiver);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(msgsnd_lies_not_down_for_the_space_of_a_receiver_stopped_with_its_message)
{
	try_each_step(late_space_trial);
}
