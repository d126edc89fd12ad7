/* A process is killed at each instruction of its call while another one sleeps and counts on it:
 * that one is awake in time, and gets what is there. */
#include "../support/rseq.h"
#include "../support/step.h"
#include "../support/sysv_msg_sleepers.h"

static int at_a_time = 8;

/* Instructions from one trial to the next, after the first ones. */
static int stride = 29;

/* Instructions by which these trials are later. */
static int offset;

static int queue, elsewhere;

static int instructions(int steps)
{
	enum { FIRST = 8 };
	return steps <= FIRST ? steps : FIRST + offset + (steps - FIRST) * stride;
}

static void call_sends(void)
{
	struct {
		long type;
		char body;
	} message = { 1, 'x' };
	msgsnd(queue, &message, 1, 0);
}

static void call_receives(void)
{
	struct {
		long type;
		char body[8];
	} message;
	msgrcv(queue, &message, 8, 1, 0);
}

/* Also a wake on either side: what a process needs for its first one takes many instructions. */
static void rehearse(void)
{
	struct sleeper *receiver = PROCESS_RECEIVES(elsewhere, 5, 0);
	PUT(elsewhere, 5, "wake");
	GETS(receiver, 5, "wake");
	limit_queue(elsewhere, 1);
	PUT(elsewhere, 1, "x");
	struct sleeper *sender = PROCESS_SENDS(elsewhere, 1, "y");
	GET(elsewhere, 1, 0, 1, "x");
	CHECK_EQ(end_of(sender), 0);
	GET(elsewhere, 1, 0, 1, "y");
}

static void prepare(unsigned long bytes)
{
	step_on_one_processor();
	queue = new_queue_of(bytes);
	elsewhere = new_queue();
}

static int finish(int in_call, bool is_done)
{
	for (int i = 0; i < 20; i++) {
		PUT(queue, 9, "z");
		GET(queue, 9, 0, 9, "z");
	}
	remove_queue(queue);
	remove_queue(elsewhere);
	return !in_call ? STEP_OVER : is_done ? STEP_LATE : STEP_EARLY;
}

static void try_each_step(int (*trial)(int))
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(trial, at_a_time, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

/* Whether the kernel wakes a sleeper for a death. It needs rseq(2), so that handlers end the sleep,
 * and under a filter of system calls the kernel may not be asked. Then a sleeper looks once a
 * second. */
static bool deaths_wake(void)
{
	return has_rseq() && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) <= 0;
}

/* Whether it sleeps, and has done so for some time. */
static bool rests(struct sleeper *self)
{
	int most = deaths_wake() ? 200 : 1500;
	for (int looks = 0; looks < most; looks++) {
		if (!asleep(self->pid, self->pid) || is_done(self))
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

/* The message of the victim has come to the sleeper, or was never sent. */
static bool is_served(struct sleeper *sleeper)
{
	bool waits = false;
	CHECK_SOON(is_done(sleeper) || (waits = count_of(queue) == 0 && rests(sleeper)));
	if (!waits) {
		GETS(sleeper, 1, "x");
		return true;
	}
	PUT(queue, 1, "y");
	/* Not the one of the victim, which it had not been told of. */
	GETS(sleeper, 1, "y");
	return false;
}

static int sender_trial(int steps)
{
	prepare(100);
	struct sleeper *sleeper = PROCESS_RECEIVES(queue, 1, 0);
	pid_t victim = step_victim(rehearse, call_sends);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	bool is_done = is_served(sleeper);
	CHECK_HOLDS(queue, 0, 0);
	return finish(in_call, is_done);
}

CASE(msgsnd_killed_at_any_instruction_while_another_receives)
{
	try_each_step(sender_trial);
}

/* Two receivers, of which the first one does not want the message. */
static int sender_beside_others_trial(int steps)
{
	prepare(100);
	struct sleeper *other = PROCESS_RECEIVES(queue, 2, 0),
		       *sleeper = PROCESS_RECEIVES(queue, -1, 0);
	pid_t victim = step_victim(rehearse, call_sends);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	bool is_done = is_served(sleeper);
	PUT(queue, 2, "other");
	GETS(other, 2, "other");
	CHECK_HOLDS(queue, 0, 0);
	return finish(in_call, is_done);
}

CASE(msgsnd_killed_at_any_instruction_while_two_of_different_types_receive)
{
	try_each_step(sender_beside_others_trial);
}

/* Lets these two keep the processor from all others, or no more. Without the privilege the trial
 * proves less. */
static void take_the_processor(pid_t victim, int policy)
{
	struct sched_param parameter = { .sched_priority = policy == SCHED_FIFO };
	sched_setscheduler(victim, policy, &parameter);
	sched_setscheduler(0, policy, &parameter);
}

/* Two receivers. The first one is called for another message, and does not run before the victim is
 * dead: the kernel's wake for the death goes to it, too. */
static int sender_beside_one_that_is_called_trial(int steps)
{
	prepare(100);
	struct sleeper *called = PROCESS_RECEIVES(queue, 2, 0),
		       *sleeper = PROCESS_RECEIVES(queue, 1, 0);
	pid_t victim = step_victim(rehearse, call_sends);
	take_the_processor(victim, SCHED_FIFO);
	PUT(queue, 2, "other");
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	take_the_processor(0, SCHED_OTHER);
	GETS(called, 2, "other");
	bool is_done = is_served(sleeper);
	CHECK_HOLDS(queue, 0, 0);
	return finish(in_call, is_done);
}

CASE(msgsnd_killed_at_any_instruction_while_another_sleeper_is_called)
{
	/* The other processor is for others. */
	at_a_time = 1;
	stride = 53;
	try_each_step(sender_beside_one_that_is_called_trial);
}

static bool took(long type, const char *text)
{
	struct message got;
	memset(&got, 0xa5, sizeof got);
	ssize_t length = msgrcv(queue, &got, BODY, type, IPC_NOWAIT);
	if (length == -1) {
		CHECK_EQ(errno, ENOMSG);
		return false;
	}
	check_message(__FILE__, __LINE__, &got, length, type, text);
	return true;
}

/* The only message is received while another process waits for its space. */
static int receiver_trial(int steps)
{
	prepare(1);
	PUT(queue, 1, "x");
	struct sleeper *sleeper = PROCESS_SENDS(queue, 2, "y");
	pid_t victim = step_victim(rehearse, call_receives);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	bool is_left = false;
	CHECK_SOON((is_left = took(1, "x")) || is_done(sleeper));
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_HOLDS(queue, 1, 1);
	GET(queue, 0, 0, 2, "y");
	return finish(in_call, !is_left);
}

CASE(msgrcv_killed_at_any_instruction_while_another_sends)
{
	try_each_step(receiver_trial);
}

/* The first of two senders that sleep is woken, and killed on its way. */
static int woken_sender_trial(int steps)
{
	prepare(1);
	PUT(queue, 3, "z");
	pid_t victim = step_victim(rehearse, call_sends);
	step_to_sleep(victim);
	struct sleeper *sleeper = PROCESS_SENDS(queue, 2, "y");
	GET(queue, 3, 0, 3, "z");
	pid_t stopped = 0;
	CHECK_SOON((stopped = waitpid(victim, NULL, WNOHANG)) != 0 || is_done(sleeper));
	if (stopped == 0) {
		/* The kernel wakes both, and the second one was faster: once more. */
		step_kill(victim);
		CHECK_EQ(end_of(sleeper), 0);
		remove_queue(queue);
		remove_queue(elsewhere);
		return woken_sender_trial(steps);
	}
	CHECK_EQ(stopped, victim);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	bool had_sent = false;
	CHECK_SOON((had_sent = took(1, "x")) || is_done(sleeper));
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_HOLDS(queue, 1, 1);
	GET(queue, 0, 0, 2, "y");
	return finish(in_call, had_sent);
}

CASE(msgsnd_killed_at_any_instruction_after_its_wake)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(woken_sender_trial, at_a_time, counts);
	CHECK(counts[STEP_OVER] > 0);
}

static void call_removes(void)
{
	msgctl(queue, IPC_RMID, NULL);
}

static int remover_trial(int steps)
{
	prepare(1);
	PUT(queue, 3, "z");
	struct sleeper *receiver = PROCESS_RECEIVES(queue, 1, 0),
		       *sender = PROCESS_SENDS(queue, 2, "y");
	pid_t victim = step_victim(rehearse, call_removes);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	bool is_gone = msgctl(queue, IPC_STAT, &(struct msqid_ds){ 0 }) == -1;
	/* Another process may be the one that finishes it: then the call says so. */
	if (!is_gone && msgctl(queue, IPC_RMID, NULL) == -1)
		CHECK(errno == EINVAL || errno == EIDRM);
	CHECK_EQ(end_of(receiver), EIDRM);
	CHECK_EQ(end_of(sender), EIDRM);
	CHECK_FAILS(send_text(queue, 1, "x", 0), EINVAL);
	queue = new_queue();
	return finish(in_call, is_gone);
}

/* A removal is long: tens of thousands of instructions, through which each trial steps one by one.
 * So a third of the trials is a case of its own. */
static void try_removals(int third)
{
	enum { APART = 301 };
	stride = 3 * APART;
	offset = third * APART;
	try_each_step(remover_trial);
}

CASE(msgctl_removal_killed_at_any_instruction_while_others_sleep)
{
	try_removals(0);
}

CASE(msgctl_removal_killed_a_little_later_while_others_sleep)
{
	try_removals(1);
}

CASE(msgctl_removal_killed_later_still_while_others_sleep)
{
	try_removals(2);
}
