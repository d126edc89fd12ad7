/* What cannot work under valgrind is refused with ENOSYS. Valgrind knows neither robust lists nor
 * futex_waitv(2), so no other process would learn of a death. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <rsipc.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void check(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %d\n", what, errno);
	exit(1);
}

int main(void)
{
	char name[64];
	size_t length;
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	snprintf(name, sizeof name, "/refused.%d", (int)getpid());

	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	check(queue != (mqd_t)-1 && mq_unlink(name) == 0, "a queue");
	errno = 0;
	check(!rsipc_mq_loan(queue, 0, CLOCK_REALTIME, NULL) && errno == ENOSYS, "a loan");
	check(mq_send(queue, "sent", 4, 0) == 0, "a message");
	errno = 0;
	check(!rsipc_mq_borrow(queue, &length, NULL, CLOCK_REALTIME, NULL) && errno == ENOSYS,
	      "a borrowed message");
	check(mq_receive(queue, (char[64]){ 0 }, 64, NULL) == 4, "the message is still there");
	check(mq_close(queue) == 0, "the end of the queue");

	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	check(sem != SEM_FAILED && sem_unlink(name) == 0, "a semaphore");
	errno = 0;
	check(rsipc_sem_setrobust(sem) == -1 && errno == ENOSYS, "a robust semaphore");
	check(sem_wait(sem) == 0 && sem_post(sem) == 0 && sem_close(sem) == 0, "its use");
	return 0;
}
