/* Data that semaphores and queues hand from thread to thread, for ThreadSanitizer: there is no race
 * in it, so none may be reported. Prints the same everywhere. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 1000, SIZE = 64 };

static sem_t full, room;
static long handed;
static mqd_t queue;

static void need(int condition, const char *what)
{
	if (!condition) {
		perror(what);
		exit(1);
	}
}

static void *producer(void *unused)
{
	for (long i = 1; i <= ROUNDS; i++) {
		need(sem_wait(&room) == 0, "sem_wait");
		handed = i;
		need(sem_post(&full) == 0, "sem_post");
	}
	return unused;
}

static void *receiver(void *unused)
{
	char body[SIZE];
	struct pollfd entry = { .fd = queue, .events = POLLIN };
	for (int i = 0; i < ROUNDS; i++) {
		need(poll(&entry, 1, -1) == 1, "poll");
		need(mq_receive(queue, body, sizeof body, NULL) == SIZE, "mq_receive");
	}
	return unused;
}

int main(void)
{
	pthread_t thread;
	long sum = 0;
	alarm(60);
	need(sem_init(&full, 0, 0) == 0 && sem_init(&room, 0, 1) == 0, "sem_init");
	need(pthread_create(&thread, NULL, producer, NULL) == 0, "pthread_create");
	for (int i = 0; i < ROUNDS; i++) {
		need(sem_wait(&full) == 0, "sem_wait");
		sum += handed;
		need(sem_post(&room) == 0, "sem_post");
	}
	pthread_join(thread, NULL);
	printf("semaphores: %ld\n", sum);

	char name[64], body[SIZE];
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = SIZE };
	snprintf(name, sizeof name, "/rsipc-guarded.%d", (int)getpid());
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	need(queue != (mqd_t)-1, "mq_open");
	mq_unlink(name);
	need(pthread_create(&thread, NULL, receiver, NULL) == 0, "pthread_create");
	for (int i = 0; i < ROUNDS; i++) {
		memset(body, i, sizeof body);
		need(mq_send(queue, body, sizeof body, 0) == 0, "mq_send");
	}
	pthread_join(thread, NULL);
	need(mq_close(queue) == 0, "mq_close");
	printf("queue: %d messages\n", ROUNDS);
	return 0;
}
