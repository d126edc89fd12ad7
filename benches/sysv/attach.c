/* attach: shmat + shmdt of a segment of one page. */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "../support/bench.h"

static int segment;

static void attach(void *nothing)
{
	(void)nothing;
	shmdt(shmat(segment, NULL, 0));
}

int main(void)
{
	bench_pin(1);
	segment = shmget(IPC_PRIVATE, 4096, 0600);
	BENCH_NEED(segment != -1);
	void *first = shmat(segment, NULL, 0);
	BENCH_NEED(first != (void *)-1);
	double ns = bench_loop(attach, NULL, 16);
	shmdt(first);
	shmctl(segment, IPC_RMID, NULL);
	return bench_report(ns, "shmat");
}
