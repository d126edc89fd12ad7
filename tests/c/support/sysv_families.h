/* An object of each of the three families of System V, under the keys of the case. */
#ifndef SUPPORT_SYSV_FAMILIES_H
#define SUPPORT_SYSV_FAMILIES_H

#include <sys/msg.h>
#include <sys/sem.h>
#include "common_memory.h"
#include "sysv_shm.h"

/* Shared by the processes of the case. */
static struct made {
	int set, queue, segment;
} *made;

static void remove_made_set(int set)
{
	semctl(set, 0, IPC_RMID);
}

static void remove_made_queue(int queue)
{
	msgctl(queue, IPC_RMID, NULL);
}

__attribute__((unused)) static void make_of_each_family(int mode)
{
	int flags = IPC_CREAT | mode;
	made->set = note_object(semget(own_key(0), 1, flags), remove_made_set);
	made->queue = note_object(msgget(own_key(0), flags), remove_made_queue);
	made->segment = noted(shmget(own_key(0), 100, flags));
}

#endif
