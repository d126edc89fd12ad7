/* death robust|undo: a process sleeps until another, which is killed, gives back what it has taken:
 * a robust semaphore, or a System V semaphore with SEM_UNDO. The time is from the kill to the
 * return of the sleeper's call, the longest of 40. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/sem.h>

#include "../../include/rsipc.h"
#include "../support/bench.h"

#pragma weak rsipc_sem_setrobust

enum { DEATHS = 40 };

struct table {
	volatile int taken;
	volatile uint64_t awake_ns;
};

static sem_t *robust;
static int set = -1;

static void take(void)
{
	struct sembuf down = { 0, -1, SEM_UNDO };
	BENCH_NEED((robust ? sem_wait(robust) : semop(set, &down, 1)) == 0);
}

static void give_back(void)
{
	struct sembuf up = { 0, 1, SEM_UNDO };
	BENCH_NEED((robust ? sem_post(robust) : semop(set, &up, 1)) == 0);
}

static void open_robust(void)
{
	char name[32];
	snprintf(name, sizeof name, "/bench-death-%d", (int)getpid());
	robust = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	BENCH_NEED(robust != SEM_FAILED && sem_unlink(name) == 0);
	BENCH_NEED(rsipc_sem_setrobust(robust) == 0);
}

static void open_set(void)
{
	set = semget(IPC_PRIVATE, 1, 0600);
	BENCH_NEED(set != -1);
	BENCH_NEED(semctl(set, 0, SETVAL, 1) == 0);
}

static char state(pid_t pid)
{
	char path[32], line[256] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	BENCH_NEED(file && fgets(line, sizeof line, file));
	fclose(file);
	return strrchr(line, ')')[2];
}

/* Looks once a millisecond, and answers when it has seen the process asleep ten times in a row. */
static void wait_until_asleep(pid_t pid)
{
	for (int seen = 0; seen < 10; usleep(1000))
		seen = state(pid) == 'S' ? seen + 1 : 0;
}

static uint64_t death(struct table *table)
{
	table->taken = 0;
	pid_t holder = bench_fork(0);
	if (holder == 0) {
		take();
		table->taken = 1;
		for (;;)
			pause();
	}
	while (!table->taken)
		usleep(1000);
	pid_t sleeper = bench_fork(0);
	if (sleeper == 0) {
		take();
		table->awake_ns = bench_now_ns();
		give_back();
		_exit(0);
	}
	wait_until_asleep(sleeper);
	uint64_t killed = bench_now_ns();
	bench_end(holder);
	int status;
	BENCH_NEED(waitpid(sleeper, &status, 0) == sleeper && status == 0);
	return table->awake_ns - killed;
}

int main(int argc, char **argv)
{
	int with_robust = argc == 2 && strcmp(argv[1], "robust") == 0;
	if (argc != 2 || (with_robust && !rsipc_sem_setrobust)) {
		fprintf(stderr, "usage: death robust|undo; robust: with librsipc preloaded\n");
		return 2;
	}
	struct table *table = bench_shared(sizeof *table);
	(with_robust ? open_robust : open_set)();
	uint64_t longest = 0;
	for (int i = 0; i < DEATHS; i++) {
		uint64_t ns = death(table);
		longest = ns > longest ? ns : longest;
	}
	if (set != -1)
		BENCH_NEED(semctl(set, 0, IPC_RMID) == 0);
	return bench_report((double)longest, with_robust ? "sem_wait" : "semop");
}
