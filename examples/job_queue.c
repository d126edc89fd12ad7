/* A queue of jobs whose workers may be killed.
 *
 *   cc job_queue.c $(pkg-config --cflags --libs rsipc) -o job_queue
 *   ./job_queue WORKERS JOBS KILLS
 *
 * The table of jobs is in memory that all workers share, behind one lock: a semaphore of value 1.
 * It is robust, so a worker that is killed with the lock gives it back, and the next one that takes
 * it is told, and puts the table in order. The parent kills KILLS workers, and starts others. In
 * the end each job has been done. rsipc_ext(3) describes the calls. */
#include <err.h>
#include <rsipc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum state { WAITING, BEGUN, DONE };

struct job {
	enum state state;
	pid_t worker;
};

static struct table {
	int jobs, waiting, done, repairs;
	struct job job[];
} *table;
static sem_t *lock;

/* What was half changed: the counters are counted anew. */
static void repair(void)
{
	table->waiting = table->done = 0;
	for (int i = 0; i < table->jobs; i++) {
		table->waiting += table->job[i].state == WAITING;
		table->done += table->job[i].state == DONE;
	}
	table->repairs++;
}

static void take_lock(void)
{
	while (sem_wait(lock) == -1)
		;
	if (rsipc_sem_wasdead(lock))
		repair();
}

/* The jobs that a worker had begun wait again. */
static void return_jobs_of(pid_t worker)
{
	take_lock();
	for (int i = 0; i < table->jobs; i++)
		if (table->job[i].state == BEGUN && table->job[i].worker == worker) {
			table->job[i].state = WAITING;
			table->waiting++;
		}
	sem_post(lock);
}

/* A job, or -1 when all are done. */
static int begin_job(void)
{
	int found = -1, done;
	take_lock();
	for (int i = 0; i < table->jobs && found == -1; i++)
		if (table->job[i].state == WAITING)
			found = i;
	if (found != -1) {
		table->job[found].worker = getpid();
		table->job[found].state = BEGUN;
		table->waiting--;
	}
	done = table->done == table->jobs;
	sem_post(lock);
	return found != -1 ? found : done ? -1 : -2;
}

static void end_job(int job)
{
	take_lock();
	/* Done with this store: after a kill just before it another worker does the job. */
	table->job[job].state = DONE;
	table->done++;
	sem_post(lock);
}

static void work(void)
{
	for (int job; (job = begin_job()) != -1;) {
		usleep(500); /* here the work is done */
		if (job >= 0)
			end_job(job);
	}
	_exit(0);
}

static pid_t start_worker(void)
{
	pid_t worker = fork();
	if (worker == -1)
		err(1, "fork");
	if (worker == 0)
		work();
	return worker;
}

int main(int argc, char **argv)
{
	int workers = argc == 4 ? atoi(argv[1]) : 0, jobs = argc == 4 ? atoi(argv[2]) : 0;
	int kills = argc == 4 ? atoi(argv[3]) : 0, killed = 0, running = 0;
	if (workers < 1 || workers > 100 || jobs < 1)
		errx(2, "usage: job_queue WORKERS JOBS KILLS");
	size_t size = 4096 + sizeof *table + (size_t)jobs * sizeof table->job[0];
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	lock = (sem_t *)(void *)memory;
	table = (struct table *)(void *)(memory + 4096);
	table->jobs = table->waiting = jobs;
	/* Before the workers: they inherit it. */
	if (sem_init(lock, 1, 1) == -1 || rsipc_sem_setrobust(lock) == -1)
		err(1, "a robust lock");

	pid_t worker[100];
	for (; running < workers; running++)
		worker[running] = start_worker();
	while (killed < kills) {
		usleep(2000);
		pid_t *victim = &worker[killed++ % workers];
		kill(*victim, SIGKILL);
		waitpid(*victim, NULL, 0);
		return_jobs_of(*victim);
		*victim = start_worker();
	}
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < jobs; i++)
		if (table->job[i].state != DONE)
			errx(1, "job %d has not been done", i);
	if (table->done != jobs)
		errx(1, "the table says that %d jobs have been done", table->done);
	printf("%d jobs done, %d workers killed, %d repairs\n", jobs, killed, table->repairs);
	return 0;
}
