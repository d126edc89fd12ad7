/* Threads of one process that wait for each other, in unnamed semaphores: two variables, one on the
 * heap, one on the stack of the first thread.
 *
 *   busy      another thread runs now and then
 *   handler   SIGTERM has a handler */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sem_t first, second;

static void *waits(void *semaphore)
{
	while (sem_wait(semaphore) != 0)
		continue;
	return NULL;
}

static void *runs(void *nothing)
{
	for (;;)
		usleep(1000);
	return nothing;
}

static void handle(int signal)
{
	(void)signal;
	sem_post(&first);
}

static void start(void *(*work)(void *), void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, work, argument) != 0)
		exit(EXIT_FAILURE);
}

int main(int count, char **arguments)
{
	const char *mode = count > 1 ? arguments[1] : "";
	sem_t here;
	sem_t *heap = malloc(sizeof(*heap));
	if (!heap || sem_init(heap, 0, 0) || sem_init(&here, 0, 0) || sem_init(&first, 0, 0) ||
	    sem_init(&second, 0, 0))
		return EXIT_FAILURE;
	if (strcmp(mode, "handler") == 0)
		signal(SIGTERM, handle);
	if (strcmp(mode, "busy") == 0)
		start(runs, NULL);
	start(waits, &second);
	start(waits, heap);
	start(waits, &here);
	waits(&first);
	return EXIT_SUCCESS;
}
