/* pingpong one|two|free: two processes wake each other in turn, through two semaphores. */
#include <semaphore.h>

#include "../support/bench.h"

struct table {
	_Alignas(64) sem_t ping;
	_Alignas(64) sem_t pong;
};

static void play(void *argument)
{
	struct table *table = argument;
	sem_post(&table->ping);
	sem_wait(&table->pong);
}

int main(int argc, char **argv)
{
	struct bench_places places = bench_places(argc == 2 ? argv[1] : "free");
	struct table *table = bench_shared(sizeof *table);
	BENCH_NEED(sem_init(&table->ping, 1, 0) == 0 && sem_init(&table->pong, 1, 0) == 0);
	pid_t partner = bench_fork(places.there);
	while (partner == 0) {
		sem_wait(&table->ping);
		sem_post(&table->pong);
	}
	bench_pin(places.here);
	double ns = bench_loop(play, table, 16);
	bench_end(partner);
	return bench_report(ns, "sem_post");
}
