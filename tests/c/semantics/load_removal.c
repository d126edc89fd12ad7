/* A filter that kills for calls that no program makes where objects are given back:
 * membarrier(2) and msync(2). */
#include "../support/queue.h"
#include "../support/refuse.h"
#include "../support/sysv.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { OBJECTS = 3, SIZE = 4096 };

static void put_filter(void)
{
	if (kill_for(SYS_membarrier, SYS_msync, SYS_sched_yield) == -1)
		CHECK_SKIP("there can be no filter here");
}

/* The memory of one is given back when the next one is made or removed, at the latest. */
CASE(load_sets_are_removed_behind_a_filter)
{
	int sets[OBJECTS];
	struct sembuf give = { 0, 1, SEM_UNDO };
	for (int i = 0; i < OBJECTS; i++) {
		sets[i] = semget(IPC_PRIVATE, 1, 0600);
		CHECK_OK(sets[i]);
		CHECK_OK(semop(sets[i], &give, 1));
	}
	put_filter();
	for (int i = 0; i < OBJECTS; i++)
		CHECK_OK(semctl(sets[i], 0, IPC_RMID));
	CHECK_FAILS(semop(sets[0], &give, 1), EINVAL);
}

CASE(load_sysv_queues_are_removed_behind_a_filter)
{
	int queues[OBJECTS];
	long message[2] = { 1, 2 };
	for (int i = 0; i < OBJECTS; i++) {
		queues[i] = msgget(IPC_PRIVATE, 0600);
		CHECK_OK(queues[i]);
		CHECK_OK(msgsnd(queues[i], message, sizeof message[1], 0));
	}
	put_filter();
	for (int i = 0; i < OBJECTS; i++)
		CHECK_OK(msgctl(queues[i], IPC_RMID, NULL));
	CHECK_FAILS(msgsnd(queues[0], message, sizeof message[1], 0), EINVAL);
}

CASE(load_segments_are_detached_behind_a_filter)
{
	char *segments[OBJECTS];
	for (int i = 0; i < OBJECTS; i++) {
		int id = shmget(IPC_PRIVATE, SIZE, 0600);
		CHECK_OK(id);
		segments[i] = shmat(id, NULL, 0);
		CHECK(segments[i] != (void *)-1);
		CHECK_OK(shmctl(id, IPC_RMID, NULL));
		segments[i][0] = 1;
	}
	put_filter();
	for (int i = 0; i < OBJECTS; i++)
		CHECK_OK(shmdt(segments[i]));
	CHECK_FAILS(shmdt(segments[0]), EINVAL);
}

CASE(load_queues_are_closed_behind_a_filter)
{
	mqd_t queues[OBJECTS];
	for (int i = 0; i < OBJECTS; i++) {
		queues[i] = queue_create(i, O_RDWR, 1, SMALL_SIZE);
		CHECK_OK(mq_unlink(queue_name(i)));
		queue_put(queues[i], "message", 0);
	}
	put_filter();
	for (int i = 0; i < OBJECTS; i++)
		CHECK_OK(mq_close(queues[i]));
	CHECK_FAILS(mq_close(queues[0]), EBADF);
}
