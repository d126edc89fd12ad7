/* What the programs with segments of shared memory have in common. */
#ifndef SEGMENT_H
#define SEGMENT_H

#include "../course.h"

#include <sys/ipc.h>
#include <sys/shm.h>

/* A key that no other run uses. */
HELPER key_t own_key(void)
{
	return (key_t)(0x43000000 | getpid());
}

HELPER int segment_of(key_t key, size_t size, int flags)
{
	return (int)check(shmget(key, size, flags), "shmget");
}

/* Where the segment is from now on in the memory of this process. */
HELPER void *attach(int segment, int flags)
{
	void *at = shmat(segment, NULL, flags);
	if (at == (void *)-1)
		die("shmat");
	return at;
}

HELPER void detach(const void *at)
{
	check(shmdt(at), "shmdt");
}

HELPER struct shmid_ds status_of(int segment)
{
	struct shmid_ds status;
	check(shmctl(segment, IPC_STAT, &status), "IPC_STAT");
	return status;
}

HELPER unsigned long attached(int segment)
{
	return (unsigned long)status_of(segment).shm_nattch;
}

HELPER void remove_segment(int segment)
{
	check(shmctl(segment, IPC_RMID, NULL), "IPC_RMID");
}

#endif
