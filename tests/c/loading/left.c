/* usage: left [leak]. Leaves everything open, as a program may, and loses memory of its own only
 * when it is told to. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "must.h"

/* Too many to be found in what the threads have in registers and on their stacks by chance. */
enum { QUEUES = 20 };

static void leave_queues(const char *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	struct epoll_event event = { .events = EPOLLIN };
	struct sigevent nothing = { .sigev_notify = SIGEV_NONE };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < QUEUES; i++) {
		mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
		MUST(queue != -1 && mq_unlink(name) == 0);
		MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event) == 0);
		MUST(mq_notify(queue, &nothing) == 0 && mq_send(queue, "message", 8, 0) == 0);
		MUST(dup(queue) != -1);
	}
	MUST(epoll_wait(epoll, &event, 1, 0) == 1);
}

static void leave_semaphores(const char *name)
{
	for (int i = 0; i < QUEUES; i++) {
		sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
		MUST(semaphore != SEM_FAILED && sem_unlink(name) == 0 && sem_wait(semaphore) == 0);
	}
}

static void leave_sets(void)
{
	struct sembuf up = { .sem_op = 1, .sem_flg = SEM_UNDO };
	struct {
		long type;
		char body[8];
	} message = { .type = 1 };
	for (int i = 0; i < QUEUES; i++) {
		int set = semget(IPC_PRIVATE, 1, 0600), queue = msgget(IPC_PRIVATE, 0600);
		MUST(set != -1 && semop(set, &up, 1) == 0 && semctl(set, 0, IPC_RMID) == 0);
		MUST(queue != -1 && msgsnd(queue, &message, sizeof message.body, 0) == 0);
		MUST(msgctl(queue, IPC_RMID, NULL) == 0);
	}
}

int main(int count, char **arguments)
{
	char name[64];
	(void)arguments;
	alarm(SECONDS);
	snprintf(name, sizeof name, "/loading-left.%d", (int)getpid());
	leave_queues(name);
	leave_semaphores(name);
	leave_sets();
	for (int i = 0; count > 1 && i < QUEUES; i++)
		MUST(memset(malloc(100), 1, 100) != NULL);
	puts("left");
	return 0;
}
