/* A process whose heap is used up and cannot grow: each call succeeds, or is ENOMEM, and what the
 * process has goes on. */
#include "../support/heap.h"
#include "../support/sysv.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static int id;

static void remove_set(int set)
{
	semctl(set, 0, IPC_RMID);
}

static void remove_queue(int queue)
{
	msgctl(queue, IPC_RMID, NULL);
}

static void change_set(void)
{
	for (int i = 0; i < 100; i++) {
		struct sembuf up = { 0, 1, i % 2 ? SEM_UNDO : 0 };
		(void)SUCCEEDS(semop(id, &up, 1));
		int new;
		if (SUCCEEDS(new = semget(IPC_PRIVATE, 2, 0600)))
			(void)SUCCEEDS(semctl(new, 0, IPC_RMID));
	}
}

CASE(semop_without_heap_is_enomem_or_succeeds)
{
	id = note_object(semget(IPC_PRIVATE, 2, 0600), remove_set);
	without_heap(change_set);
}

static void change_queue(void)
{
	struct {
		long type;
		char body[64];
	} message = { 1, "" };
	for (int i = 0; i < 100; i++) {
		if (SUCCEEDS(msgsnd(id, &message, sizeof message.body, 0)))
			CHECK_EQ(msgrcv(id, &message, sizeof message.body, 0, IPC_NOWAIT),
				 (long)sizeof message.body);
		int new;
		if (SUCCEEDS(new = msgget(IPC_PRIVATE, 0600)))
			(void)SUCCEEDS(msgctl(new, IPC_RMID, NULL));
	}
}

CASE(msgsnd_without_heap_is_enomem_or_succeeds)
{
	id = note_object(msgget(IPC_PRIVATE, 0600), remove_queue);
	without_heap(change_queue);
}

static void use_segments(void)
{
	for (int i = 0; i < 100; i++) {
		int new;
		if (!SUCCEEDS(new = shmget(IPC_PRIVATE, 4096, 0600)))
			continue;
		void *at;
		if (SUCCEEDS(at = shmat(new, NULL, 0)))
			CHECK_OK(shmdt(at));
		CHECK_OK(shmctl(new, IPC_RMID, NULL));
	}
}

CASE(shmat_without_heap_is_enomem_or_succeeds)
{
	without_heap(use_segments);
}
