/* A receiver that is held up at any instruction of its call: if another one has received a later
 * message meanwhile, the earlier one is delivered, and not the better one that came last. */
#include "../support/step_queue.h"

static long places;
/* What the receiver has got. */
static char *received;

static void receive_and_show(void)
{
	char got[8];
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 1);
	__atomic_store_n(received, got[0], __ATOMIC_SEQ_CST);
}

/* What another process gets. */
static char received_by_another(void)
{
	pid_t other = check_fork();
	int status;
	if (other == 0) {
		char got[8];
		step_on_another_processor();
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 1);
		_exit(got[0]);
	}
	CHECK_EQ(waitpid(other, &status, 0), other);
	CHECK(WIFEXITED(status));
	return (char)WEXITSTATUS(status);
}

static int trial(int steps)
{
	step_queues(places);
	received = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(received != MAP_FAILED);
	queue_put(queue, "1", 0);
	queue_put(queue, "2", 0);
	pid_t victim = step_victim(rehearse, receive_and_show);
	int in_call = step_many(victim, steps);
	char other = received_by_another();
	queue_put(queue, "3", 1);
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	char held_up = __atomic_load_n(received, __ATOMIC_SEQ_CST);
	step_kill(victim);
	if (other == '2')
		CHECK_EQ(held_up, '1');
	else
		CHECK_EQ(other, '1');
	return !in_call ? STEP_OVER : other == '1' ? STEP_EARLY : STEP_LATE;
}

static void at_each_step(void)
{
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	CHECK(counts[STEP_EARLY] + counts[STEP_LATE] > 1);
}

CASE(mq_receiver_that_is_held_up_keeps_what_it_has_taken)
{
	places = SMALL_DEPTH;
	at_each_step();
}

CASE(mq_receiver_that_is_held_up_keeps_what_it_has_taken_of_many)
{
	places = queue_deep_places();
	at_each_step();
}
