/* Messages come and go in the middle of a look at the queue, but there is always one that is
 * wanted: a receiver gets that, and msgctl() counts it. */
#include "../support/common_memory.h"
#include "../support/step.h"
#include "../support/sysv_msg_sleepers.h"

/* A look at a slot takes more instructions than these. */
enum { AT_A_TIME = 4, STRIDE = 3, LONG_STRIDE = 7, NOTHING = -1 };

static int queue, elsewhere;
static long selector;

/* The type that the victim got, or NOTHING; 0 = its call goes on. */
static long *got;

static void receive_one(void)
{
	struct message message;
	ssize_t length = msgrcv(queue, &message, BODY, selector, IPC_NOWAIT);
	__atomic_store_n(got, length >= 0 ? message.type : NOTHING, __ATOMIC_SEQ_CST);
}

static void rehearse(void)
{
	PUT(elsewhere, 1, "x");
	GET(elsewhere, 0, 0, 1, "x");
}

/* Where the library keeps messages in slots, the second slot has a message, the third one another,
 * and the next one goes to the slot that was freed last: the first one. */
static void prepare(void)
{
	step_on_one_processor();
	got = common_memory(sizeof *got);
	queue = new_queue();
	elsewhere = new_queue();
	PUT(queue, 2, "first slot");
	PUT(queue, 1, "second slot");
	PUT(queue, 7, "third slot");
	GET(queue, 2, 0, 2, "first slot");
}

static int trial(int steps)
{
	prepare();
	pid_t victim = step_victim(rehearse, receive_one);
	int in_call = step_many(victim, steps * STRIDE);
	PUT(queue, 1, "in the slot before");
	/* Unless the victim has it. */
	if (msgrcv(queue, &(struct message){ 0 }, BODY, 1, IPC_NOWAIT) == -1)
		CHECK_EQ(errno, ENOMSG);
	CHECK_OK(ptrace(PTRACE_CONT, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	CHECK_EQ(__atomic_load_n(got, __ATOMIC_SEQ_CST), 1);
	GET(queue, 7, 0, 7, "third slot");
	step_kill(victim);
	remove_queue(queue);
	remove_queue(elsewhere);
	return in_call ? STEP_EARLY : STEP_OVER;
}

static void at_any_third(long wanted)
{
	int counts[STEP_ENDS] = { 0 };
	selector = wanted;
	step_trials(trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

CASE(msgrcv_finds_one_of_two_that_come_and_go_at_any_third_instruction)
{
	at_any_third(1);
}

CASE(msgrcv_finds_the_lowest_of_those_that_come_and_go_at_any_third_instruction)
{
	at_any_third(-9);
}

static void count_messages(void)
{
	struct msqid_ds status;
	CHECK_OK(msgctl(queue, IPC_STAT, &status));
	__atomic_store_n(got, (long)status.msg_qnum, __ATOMIC_SEQ_CST);
}

/* A receiver of another type sleeps: whether a message is for it takes longer to find. */
static int count_trial(int steps)
{
	prepare();
	struct sleeper *sleeper = PROCESS_RECEIVES(queue, 9, 0);
	pid_t victim = step_victim(rehearse, count_messages);
	int in_call = step_many(victim, steps * LONG_STRIDE);
	PUT(queue, 1, "in the slot before");
	GET(queue, 1, 0, 1, "second slot");
	CHECK_OK(ptrace(PTRACE_CONT, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	long count = __atomic_load_n(got, __ATOMIC_SEQ_CST);
	CHECK(count == 2 || count == 3);
	step_kill(victim);
	kill_sleeper(sleeper);
	remove_queue(queue);
	remove_queue(elsewhere);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(msgctl_stat_counts_those_that_come_and_go_in_the_middle_of_it)
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(count_trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}
