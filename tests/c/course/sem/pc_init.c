/* Producers and consumers over unnamed semaphores: sem_init and sem_destroy instead of sem_open and
 * sem_close. The semaphores lie beside the store they guard, in memory that the processes share, so
 * pshared is not 0.
 *
 *   pc_init [ITEMS]
 */
#include "ring.h"

#include <sys/mman.h>

enum { PRODUCERS = 2, CONSUMERS = 2, SHARED = 1 };

struct store {
	sem_t places, items, lock;
	struct ring ring;
	long made, taken;
};

static struct store *new_store(void)
{
	struct store *store = mmap(NULL, sizeof(*store), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (store == MAP_FAILED)
		die("mmap");
	check(sem_init(&store->places, SHARED, RING_PLACES), "sem_init");
	check(sem_init(&store->items, SHARED, 0), "sem_init");
	check(sem_init(&store->lock, SHARED, 1), "sem_init");
	return store;
}

static pid_t start(struct store *store, int produce, int first, int count)
{
	pid_t child = fork_child();
	if (child != 0)
		return child;
	struct guards guards = { &store->places, &store->items, &store->lock };
	long sum = 0;
	for (int i = 0; i < count; i++) {
		int item = first + i;
		if (produce)
			ring_put(&store->ring, guards, item);
		else
			item = ring_take(&store->ring, guards);
		sum += item;
	}
	check(sem_wait(&store->lock), "sem_wait");
	*(produce ? &store->made : &store->taken) += sum;
	check(sem_post(&store->lock), "sem_post");
	exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	begin();
	int share = (argc > 1 ? atoi(argv[1]) : 20000) / PRODUCERS;
	struct store *store = new_store();

	pid_t children[PRODUCERS + CONSUMERS];
	for (int i = 0; i < PRODUCERS; i++)
		children[i] = start(store, 1, i * share + 1, share);
	for (int i = 0; i < CONSUMERS; i++)
		children[PRODUCERS + i] = start(store, 0, 0, share);
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
		expect_success(children[i]);

	printf("%d producers made %d numbers, sum %ld\n", PRODUCERS, PRODUCERS * share,
	       store->made);
	printf("%d consumers took as many, sum %ld\n", CONSUMERS, store->taken);
	check(sem_destroy(&store->places), "sem_destroy");
	check(sem_destroy(&store->items), "sem_destroy");
	check(sem_destroy(&store->lock), "sem_destroy");
	return store->made == store->taken ? EXIT_SUCCESS : EXIT_FAILURE;
}
