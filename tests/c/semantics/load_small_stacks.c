/* Threads with the smallest stack that there is make every call, also as the process's first. */
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

enum { MEMBERS = 32 };

/* A set that a child has made: this process has never used it. */
static int set_of_a_child(void)
{
	pid_t child = check_fork();
	if (child == 0) {
		note_object(semget(IPC_PRIVATE, MEMBERS, 0600), remove_set);
		_exit(0);
	}
	check_child(child);
	return noted_objects->object[noted_objects->count - 1].id;
}

/* So many operations, of which the last one has to wait, in vain. */
static void wait_with(int set, size_t count, short flags)
{
	struct sembuf operations[MEMBERS];
	for (size_t i = 0; i < count; i++)
		operations[i] = (struct sembuf){ (unsigned short)i, 1, flags };
	operations[count - 1].sem_op = -1;
	CHECK_FAILS(semtimedop(set, operations, count, &(struct timespec){ 0, 1000000 }), EAGAIN);
}

static int unused_sets[4];

static void *use_sets_first(void *unused)
{
	wait_with(unused_sets[0], 1, 0);
	wait_with(unused_sets[1], MEMBERS, 0);
	wait_with(unused_sets[2], MEMBERS, SEM_UNDO);
	struct sembuf operations[MEMBERS] = { 0 };
	for (int i = 0; i < MEMBERS; i++)
		operations[i] = (struct sembuf){ (unsigned short)i, 1, SEM_UNDO };
	CHECK_OK(semop(unused_sets[3], operations, MEMBERS));
	return unused;
}

/* Arrays of operations take the most stack, and so does the first use of a set. */
CASE(load_sets_of_others_are_used_first_on_the_smallest_stack)
{
	for (int i = 0; i < 4; i++)
		unused_sets[i] = set_of_a_child();
	on_the_smallest_stack(use_sets_first);
}

static void *make_first(void *unused)
{
	CHECK_OK(semctl(semget(IPC_PRIVATE, MEMBERS, 0600), 0, IPC_RMID));
	CHECK_OK(msgctl(msgget(IPC_PRIVATE, 0600), IPC_RMID, NULL));
	return unused;
}

CASE(load_objects_are_made_and_removed_first_on_the_smallest_stack)
{
	on_the_smallest_stack(make_first);
}

static void *ask_first(void *unused)
{
	struct seminfo info;
	CHECK(semctl(0, 0, SEM_INFO, &info) >= 0);
	CHECK(info.semusz >= 1);
	return unused;
}

CASE(load_sets_of_others_are_counted_first_on_the_smallest_stack)
{
	set_of_a_child();
	on_the_smallest_stack(ask_first);
}
