/* rounds N: opens, uses and closes one of each kind N times. What is in use at the end must not
 * grow with N. */
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NEED(condition)                                                              \
	do {                                                                         \
		if (!(condition)) {                                                  \
			perror(#condition);                                          \
			exit(1);                                                     \
		}                                                                    \
	} while (0)

static char name[64];

static void semaphores(void)
{
	sem_t unnamed;
	NEED(sem_init(&unnamed, 0, 1) == 0 && sem_wait(&unnamed) == 0 &&
	     sem_destroy(&unnamed) == 0);
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	NEED(sem != SEM_FAILED && sem_open(name, 0) == sem);
	NEED(sem_open(name, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED &&
	     sem_open("/not/a name", 0) == SEM_FAILED);
	NEED(sem_wait(sem) == 0 && sem_post(sem) == 0);
	NEED(sem_close(sem) == 0 && sem_close(sem) == 0 && sem_unlink(name) == 0);
}

static void objects(void)
{
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	NEED(fd != -1 && shm_open(name, O_CREAT | O_EXCL, 0600) == -1);
	NEED(close(fd) == 0 && shm_unlink(name) == 0 && shm_unlink(name) == -1);
}

static void *use_queue(void *queue)
{
	char body[16];
	NEED(mq_send(*(mqd_t *)queue, "hello", 5, 1) == 0);
	NEED(mq_receive(*(mqd_t *)queue, body, sizeof body, NULL) == 5);
	return NULL;
}

static void queues(void)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	NEED(queue != (mqd_t)-1 && mq_open(name, O_CREAT | O_EXCL, 0600, &attr) == (mqd_t)-1);
	mqd_t again = mq_open(name, O_RDWR);
	struct sigevent nothing = { .sigev_notify = SIGEV_NONE };
	NEED(mq_notify(again, &nothing) == 0 && mq_notify(again, NULL) == 0);
	pthread_t thread;
	NEED(pthread_create(&thread, NULL, use_queue, &queue) == 0 &&
	     pthread_join(thread, NULL) == 0);
	use_queue(&again);
	NEED(mq_close(again) == 0 && mq_close(queue) == 0 && mq_unlink(name) == 0);
}

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? atoi(argv[1]) : 1;
	snprintf(name, sizeof name, "/rsipc-rounds.%d", (int)getpid());
	while (rounds-- > 0) {
		semaphores();
		objects();
		queues();
	}
	return 0;
}
