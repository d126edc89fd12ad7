/* A signal handler waits for the lock that the interrupted code has: it waits for itself. The right
 * handler posts, which is allowed, and the lock is taken outside of it. */
#include "pair.h"

#include <semaphore.h>
#include <signal.h>

static sem_t lock, told;

static void handle(int signal)
{
	(void)signal;
	if (is_right)
		sem_post(&told);
	else
		sem_wait(&lock);
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	check(sem_init(&lock, 0, 1), "sem_init");
	check(sem_init(&told, 0, 0), "sem_init");
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");
	blame_address(&lock, getpid());
	for (int i = 0; i < 3; i++) {
		check(sem_wait(&lock), "sem_wait");
		check(sem_post(&lock), "sem_post");
	}
	check(sem_wait(&lock), "sem_wait");
	check(raise(SIGUSR1), "raise");
	check(sem_post(&lock), "sem_post");
	check(sem_wait(&told), "sem_wait");
	check(sem_destroy(&lock), "sem_destroy");
	check(sem_destroy(&told), "sem_destroy");
	return EXIT_SUCCESS;
}
