/* Waiters that wait for what does not come: half of them on a queue, half on a semaphore. Prints
 * "done". */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/asleep.h"
#include "../support/must.h"

enum { WAITERS = 100, SECONDS = 6 };

int main(void)
{
	static pid_t waiters[WAITERS];
	char name[64], got[8];
	snprintf(name, sizeof name, "/idle.%d", (int)getpid());
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600,
			      &(struct mq_attr){ .mq_maxmsg = 2, .mq_msgsize = 8 });
	MUST(queue != (mqd_t)-1 && mq_unlink(name) == 0);
	sem_t *sem = mmap(NULL, sizeof *sem, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			  0);
	MUST(sem != MAP_FAILED && sem_init(sem, 1, 0) == 0);
	for (int i = 0; i < WAITERS; i++) {
		waiters[i] = fork();
		MUST(waiters[i] >= 0);
		if (waiters[i] == 0)
			_exit(i % 2 ? sem_wait(sem)
				    : mq_receive(queue, got, sizeof got, NULL) != 1);
	}
	for (int i = 0; i < WAITERS; i++)
		while (!asleep(waiters[i], waiters[i]))
			usleep(1000);
	sleep(SECONDS);
	/* Seen in the trace: what follows is the end. */
	getppid();
	for (int i = 0; i < WAITERS; i++) {
		MUST(waiters[i] > 0 && kill(waiters[i], SIGKILL) == 0);
		MUST(waitpid(waiters[i], NULL, 0) == waiters[i]);
	}
	puts("done");
	return 0;
}
