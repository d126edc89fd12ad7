/* A plugin with a thread that waits for work. It ends the thread when it is unloaded, and has the
 * loader's lock meanwhile. */
#include <pthread.h>
#include <semaphore.h>

#include "must.h"

static pthread_t thread;
static sem_t work;
static int is_clean;

static void clean(void *unused)
{
	(void)unused;
	is_clean = 1;
}

static void *wait_for_work(void *unused)
{
	pthread_cleanup_push(clean, NULL);
	for (;;)
		MUST(sem_wait(&work) == 0);
	pthread_cleanup_pop(0);
	return unused;
}

__attribute__((constructor)) static void begin(void)
{
	MUST(sem_init(&work, 0, 0) == 0);
	MUST(pthread_create(&thread, NULL, wait_for_work, NULL) == 0);
}

__attribute__((destructor)) static void end(void)
{
	void *result;
	MUST(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
	MUST(result == PTHREAD_CANCELED && is_clean);
	/* The registration of the waiter is gone. */
	int value;
	MUST(sem_post(&work) == 0 && sem_getvalue(&work, &value) == 0 && value == 1);
	SAY("ended\n");
}
