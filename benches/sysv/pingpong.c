/* pingpong one|two: two processes wake each other in turn, through two semaphores of a set. */
#include <sys/ipc.h>
#include <sys/sem.h>

#include "../support/bench.h"

enum { PING, PONG };

static int set;

static void add(unsigned short number, short amount)
{
	struct sembuf operation = { number, amount, 0 };
	semop(set, &operation, 1);
}

static void play(void *nothing)
{
	(void)nothing;
	add(PING, 1);
	add(PONG, -1);
}

int main(int argc, char **argv)
{
	struct bench_places places = bench_places(argc == 2 ? argv[1] : "two");
	set = semget(IPC_PRIVATE, 2, 0600);
	BENCH_NEED(set != -1);
	pid_t partner = bench_fork(places.there);
	while (partner == 0) {
		add(PING, -1);
		add(PONG, 1);
	}
	bench_pin(places.here);
	double ns = bench_loop(play, NULL, 16);
	bench_end(partner);
	semctl(set, 0, IPC_RMID);
	return bench_report(ns, "semop");
}
