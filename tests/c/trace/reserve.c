/* Makes an object of each kind that reserves its memory. Prints "done". */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

static int must(int result)
{
	if (result == -1) {
		perror("a call that makes an object");
		exit(1);
	}
	return result;
}

int main(void)
{
	char name[64];
	snprintf(name, sizeof name, "/reserve.%d", (int)getpid());
	must(mq_close((mqd_t)must((int)mq_open(name, O_CREAT | O_RDWR, 0600, NULL))));
	must(mq_unlink(name));
	must(semctl(must(semget(IPC_PRIVATE, 1, 0600)), 0, IPC_RMID));
	must(msgctl(must(msgget(IPC_PRIVATE, 0600)), IPC_RMID, NULL));
	must(shmctl(must(shmget(IPC_PRIVATE, 100000, 0600)), IPC_RMID, NULL));
	puts("done");
	return 0;
}
