/* What the control calls read and write may lie in memory that the kernel copies to and from, but
 * cannot pin: that of memfd_secret(2), as that of some devices. */
#include "../support/sysv_shm.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static void remove_set(int set)
{
	semctl(set, 0, IPC_RMID);
}

static void remove_queue(int queue)
{
	msgctl(queue, IPC_RMID, NULL);
}

static void *secret_memory(void)
{
	int file = (int)syscall(SYS_memfd_secret, 0);
	if (file == -1)
		CHECK_SKIP("no memfd_secret here");
	CHECK_OK(ftruncate(file, 4096));
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		CHECK_SKIP("no memory can be locked here");
	CHECK_OK(close(file));
	return memory;
}

CASE(semctl_reads_and_writes_secret_memory)
{
	void *memory = secret_memory();
	int set = note_object(semget(IPC_PRIVATE, 2, 0600), remove_set);
	unsigned short *values = memory;
	values[0] = 3;
	values[1] = 4;
	CHECK_OK(semctl(set, 0, SETALL, values));
	values[0] = 0;
	CHECK_OK(semctl(set, 0, GETALL, values));
	CHECK_EQ(values[0] * 10 + values[1], 34);
	struct semid_ds *status = memory;
	CHECK_OK(semctl(set, 0, IPC_STAT, status));
	CHECK_EQ(status->sem_nsems, 2);
	CHECK_OK(semctl(set, 0, IPC_SET, status));
	struct seminfo *info = memory;
	CHECK(semctl(0, 0, IPC_INFO, info) >= 0);
	CHECK(info->semmsl > 0);
}

CASE(msgctl_reads_and_writes_secret_memory)
{
	void *memory = secret_memory();
	int queue = note_object(msgget(IPC_PRIVATE, 0600), remove_queue);
	struct msqid_ds *status = memory;
	CHECK_OK(msgctl(queue, IPC_STAT, status));
	CHECK(status->msg_qbytes > 0);
	CHECK_OK(msgctl(queue, IPC_SET, status));
	struct msginfo *info = memory;
	CHECK(msgctl(0, IPC_INFO, memory) >= 0);
	CHECK(info->msgmax > 0);
}

CASE(shmctl_reads_and_writes_secret_memory)
{
	void *memory = secret_memory();
	struct shmid_ds *status = memory;
	int segment = new_segment(100);
	CHECK_OK(shmctl(segment, IPC_STAT, status));
	CHECK_EQ(status->shm_segsz, 100);
	CHECK_OK(shmctl(segment, IPC_SET, status));
	struct shminfo *limits = memory;
	CHECK(shmctl(0, IPC_INFO, memory) >= 0);
	CHECK(limits->shmmax > 0);
}
