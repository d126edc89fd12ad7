/* The store of the producers and consumers: a ring of places, guarded by three semaphores. `items`
 * and `places` count what can be taken and what can be put; `lock` lets one process at a time move
 * the marks. The file that includes this brings the semaphores, named or unnamed. */
#ifndef RING_H
#define RING_H

#include "../course.h"

#include <semaphore.h>

enum { RING_PLACES = 8 };

struct ring {
	unsigned first, next;
	int items[RING_PLACES];
};

struct guards {
	sem_t *places, *items, *lock;
};

HELPER void ring_put(struct ring *ring, struct guards guards, int item)
{
	check(sem_wait(guards.places), "sem_wait");
	check(sem_wait(guards.lock), "sem_wait");
	ring->items[ring->next++ % RING_PLACES] = item;
	check(sem_post(guards.lock), "sem_post");
	check(sem_post(guards.items), "sem_post");
}

HELPER int ring_take(struct ring *ring, struct guards guards)
{
	check(sem_wait(guards.items), "sem_wait");
	check(sem_wait(guards.lock), "sem_wait");
	int item = ring->items[ring->first++ % RING_PLACES];
	check(sem_post(guards.lock), "sem_post");
	check(sem_post(guards.places), "sem_post");
	return item;
}

#endif
