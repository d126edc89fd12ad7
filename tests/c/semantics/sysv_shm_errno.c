/* A call that succeeds leaves errno alone. */
#include "../support/sysv_shm.h"
#include "../support/untouched.h"

/* Comes first in its process: whose segments are used is found out in it. */
CASE(shmget_keeps_errno)
{
	int segment, private;
	CHECK_KEEPS(segment = shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600));
	noted(segment);
	CHECK_KEEPS(shmget(own_key(0), 100, IPC_CREAT | 0600));
	CHECK_KEEPS(shmget(own_key(0), 0, 0));
	CHECK_KEEPS(private = shmget(IPC_PRIVATE, 100, 0600));
	noted(private);
}

CASE(shmat_and_shmdt_keep_errno)
{
	int segment = new_segment(100);
	char *at, *other;
	CHECK_KEEPS(at = shmat(segment, NULL, 0));
	CHECK_KEEPS(other = shmat(segment, NULL, SHM_RDONLY));
	CHECK_KEEPS(shmdt(other));
	CHECK_KEEPS(shmctl(segment, IPC_RMID, NULL));
	CHECK_KEEPS(other = shmat(segment, NULL, 0));
	CHECK_KEEPS(shmdt(other));
	CHECK_KEEPS(shmdt(at));
}

CASE(shmctl_keeps_errno)
{
	union {
		struct shminfo limits;
		struct shm_info usage;
		struct shmid_ds status;
	} into;
	int segment = new_segment(100);
	CHECK_KEEPS(shmctl(segment, IPC_STAT, &into.status));
	CHECK_KEEPS(shmctl(segment, IPC_SET, &into.status));
	CHECK_KEEPS(shmctl(segment, SHM_LOCK, NULL));
	CHECK_KEEPS(shmctl(segment, SHM_UNLOCK, NULL));
	CHECK_KEEPS(shmctl(segment, IPC_INFO, &into.status));
	CHECK_KEEPS(shmctl(segment, SHM_INFO, &into.status));
	CHECK_KEEPS(shmctl(segment, IPC_RMID, NULL));
}
