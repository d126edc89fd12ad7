/* A handler forks in the middle of msgsnd or msgrcv: parent and child go on with the call. */
#include "../support/fork_struck.h"
#include "../support/sysv_msg.h"

enum { LENGTH = 200, STRIDE = 7 };

static int queue, elsewhere;
static struct message letter, got;

static int instructions(int steps)
{
	enum { FIRST = 8 };
	return steps <= FIRST ? steps : FIRST + (steps - FIRST) * STRIDE;
}

static void rehearse(void)
{
	PUT_BYTES(elsewhere, 1, LENGTH, 1);
	GET_BYTES(elsewhere, 1, LENGTH, 1, LENGTH);
	struck_forks();
}

static void send_in_both(void)
{
	struck_returned_in_both(msgsnd(queue, &letter, LENGTH, 0) == 0);
}

/* The first bytes of what each has got are noted. */
static void receive_in_both(void)
{
	ssize_t length = msgrcv(queue, &got, LENGTH, 0, 0);
	int slot = __atomic_fetch_add(&struck->noted, 1, __ATOMIC_SEQ_CST);
	memcpy(struck->got[slot], got.body, sizeof struck->got[slot]);
	struck_returned_in_both(length == LENGTH);
}

static void prepare(void)
{
	struck_prepare();
	step_on_one_processor();
	queue = new_queue();
	elsewhere = new_queue();
	/* So that it has storage for a body. */
	PUT_BYTES(queue, 1, LENGTH, 1);
	GET_BYTES(queue, 1, LENGTH, 1, LENGTH);
	letter.type = 1;
	for (size_t i = 0; i < LENGTH; i++)
		letter.body[i] = byte_of(5, i);
}

static int finish(void)
{
	for (unsigned i = 0; i < 17; i++) {
		PUT_BYTES(queue, 3, 900, i);
		GET_BYTES(queue, 3, 900, i, 900);
	}
	remove_queue(queue);
	remove_queue(elsewhere);
	return STEP_LATE;
}

/* Both have returned, or the call was over before. */
static bool forked_in_the_call(pid_t victim, int steps)
{
	if (strike_after(victim, instructions(steps))) {
		both_return(victim);
		return true;
	}
	step_kill(victim);
	return false;
}

static int trial_of_sender(int steps)
{
	prepare();
	if (!forked_in_the_call(step_victim(rehearse, send_in_both), steps))
		return STEP_OVER;
	/* Once, if the call of the parent was done when it forked. */
	unsigned long times = count_of(queue);
	CHECK(times == 1 || times == 2);
	for (; times > 0; times--)
		GET_BYTES(queue, 1, LENGTH, 5, LENGTH);
	return finish();
}

static int trial_of_receiver(int steps)
{
	prepare();
	for (unsigned i = 0; i < 3; i++)
		PUT_BYTES(queue, 1, LENGTH, i);
	if (!forked_in_the_call(step_victim(rehearse, receive_in_both), steps))
		return STEP_OVER;
	/* One, if the parent had it when it forked: then both have the same. */
	unsigned long taken = 3 - count_of(queue);
	CHECK(taken == 1 || taken == 2);
	unsigned char first = (unsigned char)struck->got[0][0],
		      second = (unsigned char)struck->got[1][0];
	CHECK(first == byte_of(0, 0) || second == byte_of(0, 0));
	CHECK(taken == 1 ? first == second
			 : (first == byte_of(1, 0) || second == byte_of(1, 0)) && first != second);
	for (unsigned long i = taken; i < 3; i++)
		GET_BYTES(queue, 1, LENGTH, i, LENGTH);
	return finish();
}

CASE(msgsnd_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	strike_each_step(trial_of_sender);
}

CASE(msgsnd_is_forked_by_a_system_call_at_any_instruction)
{
	make_child = by_clone;
	strike_each_step(trial_of_sender);
}

CASE(msgrcv_is_forked_by_a_handler_at_any_instruction)
{
	make_child = fork;
	strike_each_step(trial_of_receiver);
}

CASE(msgrcv_is_forked_without_handlers_at_any_instruction)
{
	make_child = _Fork;
	strike_each_step(trial_of_receiver);
}
