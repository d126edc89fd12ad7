/* left: a handler leaves a wait by siglongjmp. After that the memory of another semaphore is
 * unmapped while a thread waits on it, which is a mistake. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf before;
static sem_t awaited;

static void leave(int number)
{
	(void)number;
	siglongjmp(before, 1);
}

static void *wait_there(void *semaphore)
{
	sem_wait(semaphore);
	return NULL;
}

/* The high half of the first word counts the waiters. */
static int is_awaited(sem_t *semaphore)
{
	return ((volatile unsigned *)semaphore)[1] != 0;
}

int main(void)
{
	int access = PROT_READ | PROT_WRITE;
	sem_t *semaphore = mmap(NULL, 4096, access, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (semaphore == MAP_FAILED || sem_init(semaphore, 1, 0) != 0 ||
	    sem_init(&awaited, 0, 0) != 0)
		return EXIT_FAILURE;
	struct sigaction action = { .sa_handler = leave };
	sigaction(SIGALRM, &action, NULL);
	if (sigsetjmp(before, 1) == 0) {
		ualarm(50000, 0);
		sem_wait(&awaited);
		return EXIT_FAILURE;
	}
	pthread_t thread;
	if (pthread_create(&thread, NULL, wait_there, semaphore) != 0)
		return EXIT_FAILURE;
	for (int i = 0; !is_awaited(semaphore); i++) {
		if (i > 20000)
			return EXIT_FAILURE;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	/* Another call on the way there. */
	sem_post(&awaited);
	munmap(semaphore, 4096);
	_exit(EXIT_SUCCESS);
}
