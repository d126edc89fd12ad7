/* A post and a wait on a semaphore that no other thread uses. */
#include <semaphore.h>

#include "../support/bench.h"

static void post_and_wait(void *sem)
{
	sem_post(sem);
	sem_wait(sem);
}

int main(void)
{
	sem_t sem;
	bench_pin(1);
	BENCH_NEED(sem_init(&sem, 0, 0) == 0);
	return bench_report(bench_loop(post_and_wait, &sem, 1000), "sem_post");
}
