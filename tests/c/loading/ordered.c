/* usage: ordered [racy]. Two threads that a semaphore keeps in order, or nothing does. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "must.h"

static sem_t unnamed, *named;
static int by_unnamed, by_named, by_nobody;
static int racy;

static void *other(void *unused)
{
	by_unnamed = 1;
	MUST(sem_post(&unnamed) == 0);
	by_named = 2;
	MUST(sem_post(named) == 0);
	if (racy)
		by_nobody++;
	return unused;
}

/* Bytes on their way through a queue, which the sanitizer does not know to be one. */
static void send_and_receive(void)
{
	char name[64], body[8];
	snprintf(name, sizeof name, "/loading-ordered.%d", (int)getpid());
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	MUST(queue != -1 && mq_unlink(name) == 0);
	MUST(mq_send(queue, "message", 8, 0) == 0);
	MUST(mq_receive(queue, body, sizeof body, NULL) == 8 && strcmp(body, "message") == 0);
	MUST(mq_close(queue) == 0);
}

int main(int count, char **arguments)
{
	(void)arguments;
	alarm(SECONDS);
	racy = count > 1;
	char name[64];
	snprintf(name, sizeof name, "/loading-ordered.%d", (int)getpid());
	named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	MUST(named != SEM_FAILED && sem_unlink(name) == 0);
	MUST(sem_init(&unnamed, 0, 0) == 0);
	pthread_t thread;
	MUST(pthread_create(&thread, NULL, other, NULL) == 0);
	if (racy)
		by_nobody++;
	MUST(sem_wait(&unnamed) == 0 && by_unnamed == 1);
	MUST(sem_wait(named) == 0 && by_named == 2);
	send_and_receive();
	MUST(pthread_join(thread, NULL) == 0);
	puts("ordered");
	return 0;
}
