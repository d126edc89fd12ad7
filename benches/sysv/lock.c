/* lock 4|8 plain|undo: so many processes on two processors share a semaphore as a lock around a few
 * instructions. */
#include <sys/ipc.h>
#include <sys/sem.h>

#include "../support/bench.h"

enum { MOST = 8, WORK = 20 };

static struct ground {
	_Alignas(64) volatile uint64_t guarded;
	struct bench_counter done[MOST];
} *ground;

static void work(volatile uint64_t *word)
{
	for (int i = 0; i < WORK; i++)
		*word += 1;
}

static void use(int set, short flags, struct bench_counter *counter)
{
	struct sembuf lock = { 0, -1, flags }, unlock = { 0, 1, flags };
	volatile uint64_t own = 0;
	for (;;) {
		semop(set, &lock, 1);
		work(&ground->guarded);
		semop(set, &unlock, 1);
		work(&own);
		counter->count++;
	}
}

int main(int argc, char **argv)
{
	int users = argc == 3 ? atoi(argv[1]) : 4;
	short flags = argc == 3 && strcmp(argv[2], "undo") == 0 ? SEM_UNDO : 0;
	BENCH_NEED(users > 0 && users <= MOST);
	bench_pin(3);
	ground = bench_shared(sizeof *ground);
	int set = semget(IPC_PRIVATE, 1, 0600);
	BENCH_NEED(set != -1 && semctl(set, 0, SETVAL, 1) == 0);
	pid_t processes[MOST];
	for (int i = 0; i < users; i++)
		if ((processes[i] = bench_fork(3)) == 0)
			use(set, flags, &ground->done[i]);
	double ns = bench_watch(ground->done, users);
	for (int i = 0; i < users; i++)
		bench_end(processes[i]);
	semctl(set, 0, IPC_RMID);
	return bench_report(ns, "semop");
}
