/* Messages come in the middle of a receiver's look at the queue: the order holds. */
#include "../support/common_memory.h"
#include "../support/step.h"
#include "../support/sysv_msg.h"

enum { AT_A_TIME = 4 };

static int queue, elsewhere;

/* What the victim got; 0 = nothing. */
static long *got;

static void receive_one(void)
{
	struct message message;
	if (msgrcv(queue, &message, BODY, 0, IPC_NOWAIT) >= 0)
		__atomic_store_n(got, message.type, __ATOMIC_SEQ_CST);
}

static void rehearse(void)
{
	PUT(elsewhere, 1, "x");
	GET(elsewhere, 0, 0, 1, "x");
}

/* Where the library keeps messages in slots, the next one goes to the slot that was freed last: the
 * first slot. The second one goes behind it. */
static void prepare(void)
{
	step_on_one_processor();
	got = common_memory(sizeof *got);
	queue = new_queue();
	elsewhere = new_queue();
	PUT(queue, 1, "first slot");
	PUT(queue, 2, "second slot");
	GET(queue, 2, 0, 2, "second slot");
	GET(queue, 1, 0, 1, "first slot");
}

static int trial(int steps)
{
	prepare();
	pid_t victim = step_victim(rehearse, receive_one);
	int in_call = step_many(victim, steps);
	PUT(queue, 1, "first");
	PUT(queue, 2, "second");
	CHECK_OK(ptrace(PTRACE_CONT, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	long first = __atomic_load_n(got, __ATOMIC_SEQ_CST);
	CHECK(first == 0 || first == 1);
	if (first == 0)
		GET(queue, 0, 0, 1, "first");
	GET(queue, 0, 0, 2, "second");
	GET_NONE(queue, 0, 0);
	step_kill(victim);
	remove_queue(queue);
	remove_queue(elsewhere);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(msgrcv_gets_the_first_of_two_that_come_at_any_instruction)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}
