/* Threads with the smallest stack that there is make every call. */
#include "../support/notify.h"
#include "../support/sysv.h"
#include "../support/smallest_stack.h"

#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/sem.h>

static void remove_set(int set)
{
	semctl(set, 0, IPC_RMID);
}

static void remove_queue(int queue)
{
	msgctl(queue, IPC_RMID, NULL);
}

static void *use_sets(void *unused)
{
	unsigned short values[8] = { 0 };
	struct seminfo info;
	int set = note_object(semget(own_key(0), 8, IPC_CREAT | 0600), remove_set);
	CHECK_OK(semop(set, &(struct sembuf){ 0, 1, SEM_UNDO }, 1));
	CHECK_FAILS(semtimedop(set, &(struct sembuf){ 0, -5, SEM_UNDO }, 1,
			       &(struct timespec){ 0, 1000000 }), EAGAIN);
	CHECK_OK(semctl(set, 0, GETALL, values));
	CHECK_OK(semctl(set, 0, SETALL, values));
	CHECK_OK(semctl(0, 0, SEM_INFO, &info));
	CHECK_OK(semctl(set, 0, IPC_RMID));
	return unused;
}

static void *use_queues(void *unused)
{
	struct { long type; char body[8]; } message = { 1, "body" };
	int queue = note_object(msgget(own_key(1), IPC_CREAT | 0600), remove_queue);
	CHECK_OK(msgsnd(queue, &message, 4, 0));
	CHECK_EQ(msgrcv(queue, &message, 8, 0, 0), 4);
	CHECK_FAILS(msgrcv(queue, &message, 8, 0, IPC_NOWAIT), ENOMSG);
	CHECK_OK(msgctl(queue, IPC_RMID, NULL));
	return unused;
}

static void *use_posix(void *unused)
{
	char got[SMALL_SIZE];
	struct timespec soon = deadline_ms(5);
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_send(queue, "text", 4, 1));
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
	CHECK_FAILS(mq_timedreceive(queue, got, sizeof got, NULL, &soon), ETIMEDOUT);
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	CHECK_EQ(epoll_wait(epoll, &event, 1, 1), 0);
	CHECK_OK(mq_close(queue));
	const char *name = check_name("semaphore");
	sem_t *sem = sem_open(name, O_CREAT, 0600, 0);
	CHECK(sem != SEM_FAILED);
	soon = deadline_ms(5);
	CHECK_FAILS(sem_timedwait(sem, &soon), ETIMEDOUT);
	CHECK_OK(sem_close(sem));
	return unused;
}

CASE(load_sets_are_used_on_the_smallest_stack)
{
	on_the_smallest_stack(use_sets);
}

CASE(load_queues_of_system_v_are_used_on_the_smallest_stack)
{
	on_the_smallest_stack(use_queues);
}

CASE(load_queues_and_semaphores_are_used_on_the_smallest_stack)
{
	on_the_smallest_stack(use_posix);
}
