/* lock processes|threads: four of them on two processors share a semaphore as a lock around a few
 * instructions. */
#include <pthread.h>
#include <semaphore.h>

#include "../support/bench.h"

enum { USERS = 4, WORK = 20 };

static struct ground {
	_Alignas(64) sem_t lock;
	_Alignas(64) volatile uint64_t guarded;
	struct bench_counter done[USERS];
} *ground;

/* Some time inside the lock, and the same outside. */
static void work(volatile uint64_t *word)
{
	for (int i = 0; i < WORK; i++)
		*word += 1;
}

static void *use(void *counter)
{
	volatile uint64_t own = 0;
	for (;;) {
		sem_wait(&ground->lock);
		work(&ground->guarded);
		sem_post(&ground->lock);
		work(&own);
		((struct bench_counter *)counter)->count++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc == 2 && strcmp(argv[1], "threads") == 0;
	bench_pin(3);
	ground = bench_shared(sizeof *ground);
	BENCH_NEED(sem_init(&ground->lock, !threads, 1) == 0);
	pid_t users[USERS];
	for (int i = 0; i < USERS; i++) {
		pthread_t thread;
		if (threads)
			BENCH_NEED(pthread_create(&thread, NULL, use, &ground->done[i]) == 0);
		else if ((users[i] = bench_fork(3)) == 0)
			use(&ground->done[i]);
	}
	double ns = bench_watch(ground->done, USERS);
	for (int i = 0; i < USERS && !threads; i++)
		bench_end(users[i]);
	return bench_report(ns, "sem_post");
}
