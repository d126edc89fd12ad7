/* Processes count together in shared memory: each reads the counter, tells the others by a
 * semaphore that it is at work, and writes what it has read and 1. Two that read the same number
 * count one time less. The right ones have a lock meanwhile. The result shows it, if the processes
 * meet; chaos sees to that. */
#include "pair.h"

#include <semaphore.h>
#include <sys/mman.h>

enum { PROCESSES = 3, ADDITIONS = 100 };

struct shared {
	sem_t lock, progress;
	volatile long counter;
};

static void count_up(struct shared *shared)
{
	for (int i = 0; i < ADDITIONS; i++) {
		if (is_right)
			check(sem_wait(&shared->lock), "sem_wait");
		long read = shared->counter;
		check(sem_post(&shared->progress), "sem_post");
		shared->counter = read + 1;
		if (is_right)
			check(sem_post(&shared->lock), "sem_post");
	}
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	check(sem_init(&shared->lock, 1, 1), "sem_init");
	check(sem_init(&shared->progress, 1, 0), "sem_init");
	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		if ((children[i] = fork_child()) == 0) {
			count_up(shared);
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		expect_success(children[i]);
	long expected = (long)PROCESSES * ADDITIONS;
	printf("counted %ld of %ld\n", shared->counter, expected);
	return shared->counter == expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
