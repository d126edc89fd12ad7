/* Two processes must not update shared memory at the same time: a semaphore that starts at 1 lets
 * one in. With 0 at the start it makes one process wait for another's work instead. */
#include "../course.h"

#include <semaphore.h>
#include <sys/mman.h>

enum { PROCESSES = 4, ADDITIONS = 20000 };

struct shared {
	sem_t turn, done;
	volatile long counter;
};

int main(void)
{
	begin();
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	check(sem_init(&shared->turn, 1, 1), "sem_init");
	check(sem_init(&shared->done, 1, 0), "sem_init");

	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		if ((children[i] = fork_child()) == 0) {
			for (int n = 0; n < ADDITIONS; n++) {
				check(sem_wait(&shared->turn), "sem_wait");
				shared->counter = shared->counter + 1;
				check(sem_post(&shared->turn), "sem_post");
			}
			check(sem_post(&shared->done), "sem_post");
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		check(sem_wait(&shared->done), "sem_wait");
	printf("%d processes added 1, %d times each: %ld\n", PROCESSES, ADDITIONS, shared->counter);
	for (int i = 0; i < PROCESSES; i++)
		expect_success(children[i]);

	check(sem_destroy(&shared->turn), "sem_destroy");
	check(sem_destroy(&shared->done), "sem_destroy");
	return EXIT_SUCCESS;
}
