/* The same for the threads of one process: pshared is 0, and the semaphores are ordinary variables.
 * One producer and one consumer, so the numbers come out in the order in which they went in. */
#include "ring.h"

#include <pthread.h>

enum { ITEMS = 20000, PRIVATE = 0 };

static sem_t places, items, lock;
static const struct guards guards = { &places, &items, &lock };
static struct ring ring;

static void *produce(void *unused)
{
	for (int i = 0; i < ITEMS; i++)
		ring_put(&ring, guards, i);
	return unused;
}

static void *consume(void *out_of_order)
{
	for (int i = 0; i < ITEMS; i++)
		if (ring_take(&ring, guards) != i)
			++*(int *)out_of_order;
	return NULL;
}

int main(void)
{
	begin();
	check(sem_init(&places, PRIVATE, RING_PLACES), "sem_init");
	check(sem_init(&items, PRIVATE, 0), "sem_init");
	check(sem_init(&lock, PRIVATE, 1), "sem_init");

	pthread_t producer, consumer;
	int out_of_order = 0;
	check_thread(pthread_create(&producer, NULL, produce, NULL), "pthread_create");
	check_thread(pthread_create(&consumer, NULL, consume, &out_of_order), "pthread_create");
	check_thread(pthread_join(producer, NULL), "pthread_join");
	check_thread(pthread_join(consumer, NULL), "pthread_join");

	printf("%d numbers from one thread to the other, %d out of order\n", ITEMS, out_of_order);
	check(sem_destroy(&places), "sem_destroy");
	check(sem_destroy(&items), "sem_destroy");
	check(sem_destroy(&lock), "sem_destroy");
	return EXIT_SUCCESS;
}
