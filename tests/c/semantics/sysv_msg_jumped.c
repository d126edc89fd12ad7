/* A handler leaves msgsnd or msgrcv by siglongjmp(3), at any instruction: the message is there or
 * not, and what was in hand takes no space. */
#include <setjmp.h>
#include "../support/struck.h"
#include "../support/sysv_msg.h"

/* STRIDE: instructions from one trial to the next. */
enum { LIMIT = 4, STRIDE = 3 };

static int queue, elsewhere;
static sigjmp_buf out;

static void jumps(int signal)
{
	(void)signal;
	if (step_stage() == 1)
		siglongjmp(out, 1);
}

static void call_elsewhere(void)
{
	PUT(elsewhere, 1, "");
	GET(elsewhere, 0, 0, 1, "");
}

static void rehearse(void)
{
	call_elsewhere();
	struck_by(jumps, 0);
}

/* The thread's next call is the one that finds what the one before has left. */
static void leave(void (*call)(void))
{
	if (sigsetjmp(out, 1) == 0) {
		step_begin();
		call();
	}
	struck_returned(true);
	call_elsewhere();
	struck_add(&struck->handled);
}

/* So many messages are there, and it is full with LIMIT of them: now, and when it was empty. */
static void check_space(unsigned long held)
{
	for (int round = 0; round < 2; round++) {
		for (; held < LIMIT; held++)
			PUT(queue, 1, "");
		CHECK_FAILS(send_text(queue, 1, "", IPC_NOWAIT), EAGAIN);
		for (; held > 0; held--)
			GET(queue, 0, 0, 1, "");
		GET_NONE(queue, 0, 0);
	}
}

static int trial(void (*call)(void), int steps)
{
	struck_prepare();
	step_begins_later = true;
	step_on_one_processor();
	queue = new_queue_of(LIMIT);
	elsewhere = new_queue();
	for (int i = 0; i < LIMIT - 1; i++)
		PUT(queue, 1, "");
	pid_t victim = step_victim(rehearse, call);
	bool in_call = strike_after(victim, steps * STRIDE);
	if (in_call)
		CHECK_SOON(struck_read(&struck->handled) == 1);
	step_kill(victim);
	if (in_call)
		check_space(count_of(queue));
	remove_queue(queue);
	remove_queue(elsewhere);
	return in_call ? STEP_LATE : STEP_OVER;
}

/* What is sent and received: to prepare a body takes many instructions. */
static struct message letter = { .type = 1 };

static void sends(void)
{
	msgsnd(queue, &letter, 0, 0);
}

static void leaves_sender(void)
{
	leave(sends);
}

static int sender(int steps)
{
	return trial(leaves_sender, steps);
}

CASE(msgsnd_left_by_siglongjmp_at_any_instruction_leaves_the_space)
{
	strike_each_step(sender);
}

static void receives(void)
{
	msgrcv(queue, &letter, BODY, 0, 0);
}

static void leaves_receiver(void)
{
	leave(receives);
}

static int receiver(int steps)
{
	return trial(leaves_receiver, steps);
}

CASE(msgrcv_left_by_siglongjmp_at_any_instruction_leaves_the_space)
{
	strike_each_step(receiver);
}
