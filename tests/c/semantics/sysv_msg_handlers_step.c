/* A handler runs at each instruction of msgsnd and of msgrcv, and uses the same queue. */
#include "../support/struck.h"
#include "../support/sysv_msg.h"

enum { LONG_BODY = 700 };

static int queue, elsewhere;

/* What the victim sends, and what it has got: to prepare a body takes many instructions. */
static struct message letter, got;

/* Instructions from one trial to the next, after the first ones. */
static int stride = 1;

static int instructions(int steps)
{
	enum { FIRST = 8, STRIDE = 5 };
	return steps <= FIRST ? steps : FIRST + (steps - FIRST) * stride * STRIDE;
}

static void rehearse_calls(void)
{
	CHECK_OK(send_bytes(elsewhere, 1, LONG_BODY, 1, 0));
	GET_BYTES(elsewhere, 1, LONG_BODY, 1, LONG_BODY);
	GET_NONE(elsewhere, 0, 0);
	CHECK_OK(msgctl(msgget(IPC_PRIVATE, 0600), IPC_RMID, NULL));
}

static void (*in_handler)(void);

static void strikes(int signal)
{
	(void)signal;
	int error = errno;
	in_handler();
	struck_add(&struck->handled);
	errno = error;
}

static void rehearse(void)
{
	rehearse_calls();
	struck_by(strikes, SA_RESTART);
}

/* The victim in its call, struck after so many steps, and what it did. NULL: the call was over. */
static pid_t struck_victim(void (*call)(void), int steps)
{
	step_on_one_processor();
	pid_t victim = step_victim(rehearse, call);
	if (!strike_after(victim, instructions(steps))) {
		step_kill(victim);
		return 0;
	}
	CHECK_SOON(struck_read(&struck->done) == 1 && struck_read(&struck->handled) == 1);
	step_kill(victim);
	return victim;
}

static void prepare(void)
{
	struck_prepare();
	letter.type = 1;
	for (size_t i = 0; i < LONG_BODY; i++)
		letter.body[i] = byte_of(11, i);
	queue = new_queue();
	elsewhere = new_queue();
	/* So that it has storage for a body. */
	CHECK_OK(send_bytes(queue, 1, LONG_BODY, 1, 0));
	GET_BYTES(queue, 1, LONG_BODY, 1, LONG_BODY);
}

static int finish(pid_t victim)
{
	if (victim)
		for (int i = 0; i < 20; i++) {
			PUT_BYTES(queue, 9, 500, 3);
			GET_BYTES(queue, 9, 500, 3, 500);
		}
	remove_queue(elsewhere);
	msgctl(queue, IPC_RMID, NULL);
	return victim ? STEP_LATE : STEP_OVER;
}

static void call_sends(void)
{
	struck_returned(msgsnd(queue, &letter, LONG_BODY, 0) == 0);
}

static void handler_sends(void)
{
	CHECK_OK(send_bytes(queue, 2, 300, 22, 0));
}

static int both_send(int steps)
{
	prepare();
	in_handler = handler_sends;
	pid_t victim = struck_victim(call_sends, steps);
	if (victim) {
		CHECK_EQ(struck->error, 0);
		CHECK_HOLDS(queue, 2, LONG_BODY + 300);
		GET_BYTES(queue, 2, 300, 22, 300);
		GET_BYTES(queue, 1, LONG_BODY, 11, LONG_BODY);
	}
	return finish(victim);
}

CASE(msgsnd_in_a_handler_at_any_instruction_of_msgsnd)
{
	stride = 3;
	strike_each_step(both_send);
}

static void call_receives(void)
{
	struck_returned(msgrcv(queue, &got, BODY, 1, 0) == LONG_BODY);
	for (size_t i = 0; i < LONG_BODY; i++)
		CHECK_EQ(got.body[i], byte_of(11, i));
}

static int receives_beside_a_sender(int steps)
{
	prepare();
	in_handler = handler_sends;
	PUT_BYTES(queue, 1, LONG_BODY, 11);
	pid_t victim = struck_victim(call_receives, steps);
	if (victim) {
		CHECK_EQ(struck->error, 0);
		CHECK_HOLDS(queue, 1, 300);
		GET_BYTES(queue, 2, 300, 22, 300);
	}
	return finish(victim);
}

CASE(msgsnd_in_a_handler_at_any_instruction_of_msgrcv)
{
	stride = 3;
	strike_each_step(receives_beside_a_sender);
}

static void handler_receives(void)
{
	GET_BYTES(queue, 2, 300, 22, 300);
}

static int both_receive(int steps)
{
	prepare();
	in_handler = handler_receives;
	PUT_BYTES(queue, 1, LONG_BODY, 11);
	PUT_BYTES(queue, 2, 300, 22);
	pid_t victim = struck_victim(call_receives, steps);
	if (victim) {
		CHECK_EQ(struck->error, 0);
		CHECK_HOLDS(queue, 0, 0);
	}
	return finish(victim);
}

CASE(msgrcv_in_a_handler_at_any_instruction_of_msgrcv)
{
	stride = 3;
	strike_each_step(both_receive);
}

static int sends_beside_a_receiver(int steps)
{
	prepare();
	in_handler = handler_receives;
	PUT_BYTES(queue, 2, 300, 22);
	pid_t victim = struck_victim(call_sends, steps);
	if (victim) {
		CHECK_EQ(struck->error, 0);
		CHECK_HOLDS(queue, 1, LONG_BODY);
		GET_BYTES(queue, 1, LONG_BODY, 11, LONG_BODY);
	}
	return finish(victim);
}

CASE(msgrcv_in_a_handler_at_any_instruction_of_msgsnd)
{
	stride = 3;
	strike_each_step(sends_beside_a_receiver);
}

static void handler_removes(void)
{
	CHECK_OK(msgctl(queue, IPC_RMID, NULL));
}

/* Done, or told that the queue is gone. */
static int removed_beneath(void (*call)(void), int steps)
{
	prepare();
	in_handler = handler_removes;
	PUT_BYTES(queue, 1, LONG_BODY, 11);
	pid_t victim = struck_victim(call, steps);
	if (victim) {
		CHECK(!struck->failed || struck->error == EIDRM || struck->error == EINVAL);
		CHECK_FAILS(send_text(queue, 1, "x", 0), EINVAL);
		queue = new_queue();
	}
	return finish(victim);
}

static int removed_beneath_a_sender(int steps)
{
	return removed_beneath(call_sends, steps);
}

static void call_receives_if_it_can(void)
{
	struck_returned(msgrcv(queue, &got, BODY, 1, 0) == LONG_BODY);
}

static int removed_beneath_a_receiver(int steps)
{
	return removed_beneath(call_receives_if_it_can, steps);
}

CASE(msgctl_removal_in_a_handler_at_any_instruction_of_msgsnd)
{
	stride = 3;
	strike_each_step(removed_beneath_a_sender);
}

CASE(msgctl_removal_in_a_handler_at_any_instruction_of_msgrcv)
{
	stride = 3;
	strike_each_step(removed_beneath_a_receiver);
}
