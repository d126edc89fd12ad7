/* many_locks NAME: a program with hundreds of semaphores for its own threads, as CPython has one
 * for each lock, that forks forty children. All meet at the named semaphore, which they leave. */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCKS = 600, CHILDREN = 40 };

static sem_t locks[LOCKS];

static void check(int result, const char *what)
{
	if (result != 0) {
		perror(what);
		exit(EXIT_FAILURE);
	}
}

int main(int count, char **arguments)
{
	if (count != 2)
		return EXIT_FAILURE;
	for (int i = 0; i < LOCKS; i++)
		check(sem_init(&locks[i], 0, 1), "sem_init");
	sem_t *meeting = sem_open(arguments[1], O_CREAT | O_EXCL, 0600, 0);
	sem_t *parting = sem_open("/parting", O_CREAT | O_EXCL, 0600, 0);
	if (meeting == SEM_FAILED || parting == SEM_FAILED)
		return EXIT_FAILURE;
	for (int i = 0; i < CHILDREN; i++) {
		if (fork() != 0)
			continue;
		/* Its copy of the lock works. */
		check(sem_wait(&locks[i]), "sem_wait");
		check(sem_post(&locks[i]), "sem_post");
		check(sem_post(meeting), "sem_post");
		check(sem_wait(parting), "sem_wait");
		_exit(EXIT_SUCCESS);
	}
	/* From now on all are there at once. */
	for (int i = 0; i < CHILDREN; i++)
		check(sem_wait(meeting), "sem_wait");
	for (int i = 0; i < CHILDREN; i++)
		check(sem_post(parting), "sem_post");
	for (int status; wait(&status) > 0;)
		if (status != 0)
			return EXIT_FAILURE;
	check(sem_unlink("/parting"), "sem_unlink");
	check(sem_close(meeting), "sem_close");
	/* One close too many, which follows from what the book has. */
	sem_close(meeting);
	return EXIT_SUCCESS;
}
