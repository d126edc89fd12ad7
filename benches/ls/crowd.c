/* crowd COMMAND [ARGUMENT ...]: makes 2,000 objects in RSIPC_DIR and 300 processes, each of which
 * has some of them, and half of which sleep in one; then runs the command twice, which has to print
 * a line for each object at least, and prints how long the second run took, in nanoseconds. Meant
 * to be preloaded; the command is not. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>

#include "../support/bench.h"

enum { OBJECTS = 2000, PROCESSES = 300, HELD = 10 };

/* Of four objects two are semaphores, one is a queue, one is memory. */
static void make(int number)
{
	char name[32];
	snprintf(name, sizeof name, "/crowd.%d", number);
	if (number % 4 < 2) {
		sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
		BENCH_NEED(sem != SEM_FAILED && sem_close(sem) == 0);
	} else if (number % 4 == 2) {
		struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 };
		mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
		BENCH_NEED(queue != (mqd_t)-1 && mq_send(queue, "hello", 5, 1) == 0 &&
			   mq_close(queue) == 0);
	} else {
		int memory = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		BENCH_NEED(memory != -1 && ftruncate(memory, 4096) == 0 && close(memory) == 0);
	}
}

static sem_t *hold(int number)
{
	char name[32];
	sem_t *sem = NULL;
	snprintf(name, sizeof name, "/crowd.%d", number);
	if (number % 4 < 2)
		BENCH_NEED((sem = sem_open(name, 0)) != SEM_FAILED);
	else if (number % 4 == 2)
		BENCH_NEED(mq_open(name, O_RDWR) != (mqd_t)-1);
	else
		BENCH_NEED(shm_open(name, O_RDWR, 0) != -1);
	return sem;
}

static void take_part(int number, int ready)
{
	sem_t *sem = NULL;
	for (int i = 0; i < HELD; i++) {
		sem_t *held = hold((number * 7 + i) % OBJECTS);
		sem = held ? held : sem;
	}
	BENCH_NEED(write(ready, "", 1) == 1);
	if (number % 2 == 0)
		while (sem_wait(sem) == -1 && errno == EINTR)
			;
	for (;;)
		pause();
}

static double run(char **command)
{
	int output[2];
	BENCH_NEED(pipe(output) == 0);
	uint64_t start = bench_now_ns();
	pid_t child = bench_fork(0);
	if (child == 0) {
		unsetenv("LD_PRELOAD");
		dup2(output[1], STDOUT_FILENO);
		execv(command[0], command);
		_exit(127);
	}
	close(output[1]);
	static char text[65536];
	int lines = 0, status;
	for (ssize_t length; (length = read(output[0], text, sizeof text)) > 0;)
		for (ssize_t i = 0; i < length; i++)
			lines += text[i] == '\n';
	close(output[0]);
	BENCH_NEED(waitpid(child, &status, 0) == child && status == 0);
	double took = (double)(bench_now_ns() - start);
	BENCH_NEED(lines > OBJECTS);
	return took;
}

int main(int argc, char **argv)
{
	BENCH_NEED(argc > 1 && getenv("RSIPC_DIR"));
	for (int i = 0; i < OBJECTS; i++)
		make(i);
	int ready[2];
	pid_t crowd[PROCESSES];
	BENCH_NEED(pipe(ready) == 0);
	for (int i = 0; i < PROCESSES; i++)
		if ((crowd[i] = bench_fork(0)) == 0)
			take_part(i, ready[1]);
	for (int i = 0; i < PROCESSES; i++) {
		char byte;
		struct pollfd waiting = { .fd = ready[0], .events = POLLIN };
		BENCH_NEED(poll(&waiting, 1, 10000) == 1 && read(ready[0], &byte, 1) == 1);
	}
	run(argv + 1);
	double took = run(argv + 1);
	for (int i = 0; i < PROCESSES; i++)
		bench_end(crowd[i]);
	return bench_report(took, "sem_open");
}
