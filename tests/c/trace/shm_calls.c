/* Every call of <sys/shm.h>, with a child, and removal while it is attached. Prints "done". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/must.h"

static int segment;

static char *attach(int flags)
{
	void *at = shmat(segment, NULL, flags);
	MUST(at != (void *)-1);
	return at;
}

static void control(unsigned long attached)
{
	struct shmid_ds status;
	struct shm_info info;
	MUST(shmctl(segment, IPC_STAT, &status) == 0 && status.shm_nattch == attached);
	MUST(shmctl(segment, IPC_SET, &status) == 0);
	MUST(shmctl(segment, SHM_STAT, &status) == segment || errno == EINVAL);
	MUST(shmctl(0, SHM_INFO, (struct shmid_ds *)&info) >= 0);
	MUST(shmctl(segment, SHM_LOCK, NULL) == 0 && shmctl(segment, SHM_UNLOCK, NULL) == 0);
}

int main(void)
{
	key_t key = (key_t)(0x40000000 | getpid() << 4);
	segment = shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600);
	MUST(segment != -1 && shmget(key, 0, 0600) == segment);
	char *at = attach(0), *reader = attach(SHM_RDONLY);
	pid_t child = fork();
	MUST(child != -1);
	if (child == 0) {
		strcpy(attach(0), "from the child");
		_exit(0);
	}
	MUST(waitpid(child, NULL, 0) == child);
	MUST(strcmp(reader, "from the child") == 0);
	control(2);
	MUST(shmctl(segment, IPC_RMID, NULL) == 0);
	char *again = attach(0);
	MUST(strcmp(again, "from the child") == 0);
	MUST(shmdt(at) == 0 && shmdt(reader) == 0 && shmdt(again) == 0);
	MUST(shmat(segment, NULL, 0) == (void *)-1 && errno == EINVAL);
	puts("done");
	return 0;
}
