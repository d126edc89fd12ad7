/* A way out of a function gives the lock back, and the end of the function does so again: from then
 * on the lock lets in two. */
#include "pair.h"

#include <fcntl.h>
#include <semaphore.h>

enum { ROUNDS = 8 };

static void handle(sem_t *lock, int request)
{
	check(sem_wait(lock), "sem_wait");
	int is_bad = request == ROUNDS / 2;
	if (is_bad)
		check(sem_post(lock), "sem_post");
	if (is_bad && is_right)
		return;
	check(sem_post(lock), "sem_post");
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct name name = own_name("lock");
	sem_t *lock = sem_open(name.text, O_CREAT | O_EXCL, 0600, 1);
	if (lock == SEM_FAILED)
		die("sem_open");
	pid_t child = fork_child();
	if (child == 0) {
		blame(name.text, getpid());
		for (int i = 0; i < ROUNDS; i++)
			handle(lock, i);
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	check(sem_close(lock), "sem_close");
	check(sem_unlink(name.text), "sem_unlink");
	return EXIT_SUCCESS;
}
