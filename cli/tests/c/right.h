/* Programs that are right: `./right EXERCISE`. */
#ifndef RIGHT_H
#define RIGHT_H

#include "styles.h"

#include <pthread.h>

enum actors { THREADS, PROCESSES };

typedef void (*work)(void *);

struct task {
	work work;
	void *argument;
};

HELPER void take(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		if (errno != EINTR)
			die("sem_wait");
}

HELPER void give(sem_t *semaphore)
{
	check(sem_post(semaphore), "sem_post");
}

HELPER void make(sem_t *semaphore, unsigned value)
{
	check(sem_init(semaphore, 1, value), "sem_init");
}

HELPER void *run_task(void *argument)
{
	struct task *task = argument;
	task->work(task->argument);
	return NULL;
}

/* Does all of it at the same time, and waits for the end. */
HELPER void act(enum actors actors, const work *all, void *argument)
{
	enum { MOST = 8 };
	pthread_t threads[MOST];
	pid_t children[MOST];
	struct task tasks[MOST];
	int count = 0;
	for (; count < MOST && all[count] != NULL; count++) {
		tasks[count] = (struct task){ all[count], argument };
		if (actors == THREADS) {
			check_thread(pthread_create(&threads[count], NULL, run_task, &tasks[count]),
				     "pthread_create");
		} else if ((children[count] = fork_child()) == 0) {
			run_task(&tasks[count]);
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < count; i++) {
		if (actors == THREADS)
			check_thread(pthread_join(threads[i], NULL), "pthread_join");
		else
			expect_success(children[i]);
	}
}

#endif
