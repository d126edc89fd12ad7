/* signal wakes one of the waiters, broadcast all of them; they still leave cond_wait one after the
 * other, as each of them needs the mutex. */
#include "../course.h"

#include <pthread.h>

enum { THREADS = 4 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static int waiting, tickets, through, inside, most_inside;

static void *wait_for_ticket(void *unused)
{
	pthread_mutex_lock(&mutex);
	waiting++;
	while (tickets == 0)
		pthread_cond_wait(&opened, &mutex);
	tickets--;
	inside++;
	if (inside > most_inside)
		most_inside = inside;
	through++;
	inside--;
	pthread_mutex_unlock(&mutex);
	return unused;
}

/* Waits until a counter that the mutex protects has got to a number. */
static void wait_until(int *counter, int number)
{
	for (;;) {
		pthread_mutex_lock(&mutex);
		int reached = *counter == number;
		pthread_mutex_unlock(&mutex);
		if (reached)
			return;
		usleep(1000);
	}
}

static void hand_out(int count, int (*wake)(pthread_cond_t *))
{
	pthread_mutex_lock(&mutex);
	tickets += count;
	wake(&opened);
	pthread_mutex_unlock(&mutex);
}

int main(void)
{
	begin();
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		check_thread(pthread_create(&threads[i], NULL, wait_for_ticket, NULL),
			     "pthread_create");
	wait_until(&waiting, THREADS);
	printf("%d threads wait\n", THREADS);

	hand_out(1, pthread_cond_signal);
	wait_until(&through, 1);
	printf("1 ticket and a signal: %d through\n", through);

	hand_out(THREADS - 1, pthread_cond_broadcast);
	for (int i = 0; i < THREADS; i++)
		check_thread(pthread_join(threads[i], NULL), "pthread_join");
	printf("%d tickets and a broadcast: %d through\n", THREADS - 1, through);
	printf("at most %d at a time was past the wait\n", most_inside);
	return EXIT_SUCCESS;
}
