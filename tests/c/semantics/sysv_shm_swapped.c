/* A thread attaches a removed segment once more. At any instruction of its call another thread
 * detaches it, where it was found, and attaches another segment there. */
#include "../support/common_memory.h"
#include "../support/nobody.h"
#include "../support/step.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/shm.h>

enum { AT_A_TIME = 4, SIZE = 16384, RIGHT = 1, WRONG = 2 };

static struct swap {
	int stage; /* 1: the other thread is to swap; 2: it has */
	int got;
} *swap;

static int removed, other;

static int new_segment(int value)
{
	int id = shmget(IPC_PRIVATE, SIZE, 0600);
	CHECK_OK(id);
	int *memory = shmat(id, NULL, 0);
	CHECK(memory != (void *)-1);
	*memory = value;
	CHECK_OK(shmdt(memory));
	return id;
}

static void *swaps(void *attached)
{
	while (__atomic_load_n(&swap->stage, __ATOMIC_SEQ_CST) != 1)
		sched_yield();
	CHECK_OK(shmdt(attached));
	CHECK(shmat(other, attached, 0) == attached);
	CHECK_OK(shmctl(other, IPC_RMID, NULL));
	__atomic_store_n(&swap->stage, 2, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A user without privileges finds the segment among the mappings of the process alone. */
static void prepare(void)
{
	pthread_t thread;
	become_user(NOBODY, NOBODY);
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	removed = new_segment(RIGHT);
	other = new_segment(WRONG);
	CHECK(shmat(removed, NULL, 0) != (void *)-1);
	/* Below the first one, so that it is found first. */
	void *attached = shmat(removed, NULL, 0);
	CHECK(attached != (void *)-1);
	CHECK_OK(shmctl(removed, IPC_RMID, NULL));
	CHECK_EQ(pthread_create(&thread, NULL, swaps, attached), 0);
}

static void attaches(void)
{
	int *memory = shmat(removed, NULL, 0);
	swap->got = memory == (void *)-1 ? -errno : *memory;
}

static int swap_trial(int steps)
{
	enum { STRIDE = 2999 };
	swap = common_memory(sizeof *swap);
	step_on_one_processor();
	pid_t victim = step_victim(prepare, attaches);
	int in_call = step_many(victim, STRIDE * steps);
	__atomic_store_n(&swap->stage, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(&swap->stage, __ATOMIC_SEQ_CST) == 2);
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	CHECK_EQ(swap->got, RIGHT);
	step_kill(victim);
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(shmat_of_a_removed_segment_gives_its_memory_while_another_takes_the_place)
{
	int counts[STEP_ENDS] = { 0 };
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	step_trials(swap_trial, AT_A_TIME, counts);
	CHECK(counts[STEP_OVER] > 0);
}
