/* A program as it was linked with an older C library: it asks for the functions by the
 * versions that they had then, when they were in libpthread and librt. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>

#include "must.h"

#define OF_VERSION(function, version) __asm__(".symver " #function "," #function "@GLIBC_" #version)

OF_VERSION(sem_open, 2.2.5);
OF_VERSION(sem_wait, 2.2.5);
OF_VERSION(sem_post, 2.2.5);
OF_VERSION(sem_unlink, 2.2.5);
OF_VERSION(mq_open, 2.3.4);
OF_VERSION(mq_send, 2.3.4);
OF_VERSION(mq_receive, 2.3.4);
OF_VERSION(mq_unlink, 2.3.4);
OF_VERSION(shm_open, 2.2.5);
OF_VERSION(shm_unlink, 2.2.5);

int main(void)
{
	alarm(SECONDS);
	char name[64], body[8];
	snprintf(name, sizeof name, "/loading-old.%d", (int)getpid());
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	MUST(sem != SEM_FAILED && sem_post(sem) == 0 && sem_wait(sem) == 0);
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	MUST(queue != -1 && mq_send(queue, "x", 1, 0) == 0);
	MUST(mq_receive(queue, body, sizeof body, NULL) == 1);
	MUST(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600) >= 0);
	/* All three lie in the directory that the library was told. */
	MUST(system("ls $RSIPC_DIR | wc -l") == 0);
	MUST(sem_unlink(name) == 0 && mq_unlink(name) == 0 && shm_unlink(name) == 0);
	return 0;
}
