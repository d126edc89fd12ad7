/* Waiting for zero as a barrier: each process takes one away and waits until nothing is left, so
 * the last one lets all go. Each round has a semaphore of its own in the set. */
#include "set.h"

#include <sys/mman.h>

enum { PROCESSES = 5, ROUNDS = 4 };

struct shared {
	int arrived[ROUNDS];
	int too_early;
};

static void meet(int set, int round)
{
	change(set, round, -1, 0);
	change(set, round, 0, 0);
}

static void run(int set, int self, struct shared *shared)
{
	for (int round = 0; round < ROUNDS; round++) {
		/* In each round another process is late. */
		if (self == round)
			usleep(10000);
		__atomic_add_fetch(&shared->arrived[round], 1, __ATOMIC_SEQ_CST);
		meet(set, round);
		if (__atomic_load_n(&shared->arrived[round], __ATOMIC_SEQ_CST) != PROCESSES)
			__atomic_add_fetch(&shared->too_early, 1, __ATOMIC_SEQ_CST);
	}
}

int main(void)
{
	begin();
	unsigned short values[ROUNDS];
	int set = own_set(ROUNDS);
	for (int i = 0; i < ROUNDS; i++)
		values[i] = PROCESSES;
	check(semctl(set, 0, SETALL, (union semun){ .array = values }), "SETALL");
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");

	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		if ((children[i] = fork_child()) == 0) {
			run(set, i, shared);
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		expect_success(children[i]);
	for (int i = 0; i < ROUNDS; i++)
		printf("round %d: %d arrived, value %d\n", i, shared->arrived[i], value(set, i));
	printf("went on too early: %d\n", shared->too_early);
	remove_set(set);
	return EXIT_SUCCESS;
}
