/* A condition variable: a thread may go on only when x == y, and sleeps until then, without a busy
 * loop. cond_wait gives the mutex back while it sleeps and has it again when it returns. It may
 * return although the condition does not hold, so the test is a while. */
#include "../course.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int x, y = 5, waiting;

static void *wait_for_equality(void *unused)
{
	pthread_mutex_lock(&mutex);
	while (x != y) {
		waiting = 1;
		pthread_cond_wait(&changed, &mutex);
	}
	printf("waiter: x == y == %d\n", x);
	pthread_mutex_unlock(&mutex);
	return unused;
}

int main(void)
{
	begin();
	pthread_t waiter;
	check_thread(pthread_create(&waiter, NULL, wait_for_equality, NULL), "pthread_create");

	/* With the mutex in our hands and `waiting` set, the waiter can be nowhere but in
	 * cond_wait. */
	pthread_mutex_lock(&mutex);
	while (!waiting) {
		pthread_mutex_unlock(&mutex);
		usleep(1000);
		pthread_mutex_lock(&mutex);
	}
	pthread_mutex_unlock(&mutex);

	for (int last = 0; !last;) {
		pthread_mutex_lock(&mutex);
		x++;
		last = x == y;
		printf("main: x is %d\n", x);
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&mutex);
	}
	check_thread(pthread_join(waiter, NULL), "pthread_join");
	check_thread(pthread_cond_destroy(&changed), "pthread_cond_destroy");
	return EXIT_SUCCESS;
}
