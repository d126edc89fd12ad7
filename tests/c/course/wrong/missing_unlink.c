/* A named semaphore is closed, and its name stays: the next run finds it with the value that this
 * one has left. */
#include "pair.h"

#include <fcntl.h>
#include <semaphore.h>

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct name name = own_name("left");
	sem_t *semaphore = sem_open(name.text, O_CREAT, 0600, 1);
	if (semaphore == SEM_FAILED)
		die("sem_open");
	check(sem_wait(semaphore), "sem_wait");
	check(sem_post(semaphore), "sem_post");
	check(sem_close(semaphore), "sem_close");
	blame(name.text, getpid());
	if (is_right)
		check(sem_unlink(name.text), "sem_unlink");
	return EXIT_SUCCESS;
}
