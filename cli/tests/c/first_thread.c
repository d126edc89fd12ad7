/* The first thread ends, and others go on: one waits for the semaphore NAME, one for a message of
 * the queue NAME, and one for a semaphore in the memory of the process. The semaphore has no name
 * any more if a second argument is given. */
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

static sem_t own;

static void *waits(void *semaphore)
{
	while (sem_wait(semaphore) != 0)
		continue;
	return NULL;
}

static void *receives(void *queue)
{
	char message[64];
	while (mq_receive(*(mqd_t *)queue, message, sizeof(message), NULL) < 0)
		continue;
	return NULL;
}

static void start(void *(*work)(void *), void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, work, argument) != 0)
		exit(EXIT_FAILURE);
}

int main(int count, char **arguments)
{
	if (count < 2)
		return EXIT_FAILURE;
	static mqd_t queue;
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
	sem_t *named = sem_open(arguments[1], O_CREAT, 0600, 0);
	queue = mq_open(arguments[1], O_CREAT | O_RDONLY, 0600, &attributes);
	if (named == SEM_FAILED || queue == (mqd_t)-1 || sem_init(&own, 0, 0) != 0)
		return EXIT_FAILURE;
	if (count > 2)
		sem_unlink(arguments[1]);
	start(waits, named);
	start(receives, &queue);
	start(waits, &own);
	pthread_exit(NULL);
}
