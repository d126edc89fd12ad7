/* Makes and removes a semaphore and a queue again and again, until it is killed. */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdlib.h>

int main(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
	for (;;) {
		sem_t *semaphore = sem_open("/fleeting", O_CREAT, 0600, 1);
		mqd_t queue = mq_open("/fleeting", O_CREAT | O_RDWR, 0600, &attributes);
		if (semaphore == SEM_FAILED || queue == (mqd_t)-1)
			return EXIT_FAILURE;
		mq_close(queue);
		sem_close(semaphore);
		mq_unlink("/fleeting");
		sem_unlink("/fleeting");
	}
}
