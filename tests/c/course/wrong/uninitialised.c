/* Two semaphores in shared memory, of which one is forgotten. Memory that is new is zero, and so
 * looks like a semaphore with the value 0: it seems to work. */
#include "pair.h"

#include <semaphore.h>
#include <sys/mman.h>

struct shared {
	sem_t full, empty;
};

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	check(sem_init(&shared->empty, 1, 1), "sem_init");
	if (is_right)
		check(sem_init(&shared->full, 1, 0), "sem_init");
	pid_t child = fork_child();
	if (child == 0) {
		check(sem_wait(&shared->empty), "sem_wait");
		blame_address(&shared->full, getpid());
		check(sem_post(&shared->full), "sem_post");
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	check(sem_trywait(&shared->full), "sem_trywait");
	return EXIT_SUCCESS;
}
