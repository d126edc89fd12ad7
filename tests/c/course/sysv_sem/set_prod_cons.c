/* A producer and a consumer with two semaphores in one set: how many places of the ring are free,
 * and how many are full. Each takes from one and adds to the other; neither can overtake. */
#include "set.h"

#include <sys/mman.h>

enum { FREE, FULL };
enum { PLACES = 8, ITEMS = 5000 };

struct ring {
	int items[PLACES];
	long sum;
	int out_of_order;
};

static void produce(int set, struct ring *ring)
{
	for (int i = 0; i < ITEMS; i++) {
		change(set, FREE, -1, 0);
		ring->items[i % PLACES] = i + 1;
		change(set, FULL, 1, 0);
	}
}

static void consume(int set, struct ring *ring)
{
	for (int i = 0; i < ITEMS; i++) {
		change(set, FULL, -1, 0);
		int item = ring->items[i % PLACES];
		change(set, FREE, 1, 0);
		ring->sum += item;
		ring->out_of_order += item != i + 1;
	}
}

int main(void)
{
	begin();
	int set = own_set(2);
	unsigned short values[] = { PLACES, 0 };
	check(semctl(set, 0, SETALL, (union semun){ .array = values }), "SETALL");
	struct ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED)
		die("mmap");

	pid_t producer = fork_child();
	if (producer == 0) {
		produce(set, ring);
		exit(EXIT_SUCCESS);
	}
	pid_t consumer = fork_child();
	if (consumer == 0) {
		consume(set, ring);
		exit(EXIT_SUCCESS);
	}
	expect_success(producer);
	expect_success(consumer);
	printf("%d items, sum %ld of %ld, out of order %d\n", ITEMS, ring->sum,
	       ITEMS * (ITEMS + 1L) / 2, ring->out_of_order);
	printf("free %d, full %d\n", value(set, FREE), value(set, FULL));
	remove_set(set);
	return EXIT_SUCCESS;
}
