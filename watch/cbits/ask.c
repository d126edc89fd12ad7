/* What the hooks ask of the library behind. Each leaves errno as the question did; the hooks put it
 * back. */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEXT(name) rsipc_watch_next.name

int rsipc_watch_queue(mqd_t queue, long *room, long *size, long *messages)
{
	struct mq_attr attributes;
	if (NEXT(mq_getattr)(queue, &attributes) != 0)
		return 0;
	*room = attributes.mq_maxmsg;
	*size = attributes.mq_msgsize;
	*messages = attributes.mq_curmsgs;
	return 1;
}

int rsipc_watch_never_waits(mqd_t queue)
{
	struct mq_attr attributes;
	return NEXT(mq_getattr)(queue, &attributes) == 0 && (attributes.mq_flags & O_NONBLOCK) != 0;
}

int rsipc_watch_queue_named(const char *name, long *messages)
{
	long room, size;
	mqd_t queue = NEXT(mq_open)(name, O_RDONLY | O_NONBLOCK);
	if (queue == (mqd_t)-1)
		return errno != ENOENT;
	*messages = 0;
	rsipc_watch_queue(queue, &room, &size, messages);
	NEXT(mq_close)(queue);
	return 1;
}

int rsipc_watch_semaphore_named(const char *name, int *value)
{
	sem_t *semaphore = NEXT(sem_open)(name, 0);
	*value = -1;
	if (semaphore == SEM_FAILED)
		return errno != ENOENT;
	NEXT(sem_getvalue)(semaphore, value);
	NEXT(sem_close)(semaphore);
	return 1;
}

/* Whether there is a file of this name in the directory. */
static int is_in(const char *directory, const char *name)
{
	char path[768];
	size_t before = strlen(directory), length;
	while (*name == '/')
		name++;
	length = strlen(name);
	if (before + 1 + length >= sizeof path)
		return 0;
	memcpy(path, directory, before);
	path[before] = '/';
	memcpy(path + before + 1, name, length + 1);
	return syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

/* Not by opening it: the close would give back the locks of the process on the object. */
int rsipc_watch_memory_named(const char *name)
{
	const char *ours = getenv("RSIPC_DIR");
	return is_in("/dev/shm", name) || (ours && is_in(ours, name));
}

int rsipc_watch_set_of(key_t key)
{
	return NEXT(semget)(key, 0, 0) >= 0 || errno != ENOENT;
}

int rsipc_watch_messages_of(key_t key)
{
	return NEXT(msgget)(key, 0) >= 0 || errno != ENOENT;
}

int rsipc_watch_segment_of(key_t key)
{
	return NEXT(shmget)(key, 0, 0) >= 0 || errno != ENOENT;
}

int rsipc_watch_set(int id)
{
	struct semid_ds status;
	return NEXT(semctl)(id, 0, IPC_STAT, &status) == 0;
}

int rsipc_watch_value_in_set(int id, int member)
{
	return NEXT(semctl)(id, member, GETVAL);
}

int rsipc_watch_messages(int id, long *messages)
{
	struct msqid_ds status;
	if (NEXT(msgctl)(id, IPC_STAT, &status) != 0)
		return 0;
	*messages = (long)status.msg_qnum;
	return 1;
}

int rsipc_watch_segment(int id, long *attaches)
{
	struct shmid_ds status;
	if (NEXT(shmctl)(id, IPC_STAT, &status) != 0)
		return 0;
	*attaches = (long)status.shm_nattch;
	return 1;
}
