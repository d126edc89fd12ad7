/* Creates and removes sets, one without a key and one with a key, and calls IPC_SET, between calls
 * of getppid(2), which divide the trace. Prints "done". */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

static int must(int result)
{
	if (result == -1) {
		perror("a call on a set");
		exit(1);
	}
	return result;
}

int main(void)
{
	key_t key = 0x7a000000 | getpid();
	struct semid_ds status;
	/* What is done once in a process is not counted. */
	int set = must(semget(IPC_PRIVATE, 1, 0600));
	must(semctl(set, 0, IPC_STAT, &status));
	must(semctl(must(semget(key, 1, IPC_CREAT | 0600)), 0, IPC_RMID));
	must(semctl(set, 0, IPC_SET, &status));
	getppid();
	must(semctl(must(semget(IPC_PRIVATE, 1, 0600)), 0, IPC_RMID));
	getppid();
	must(semctl(must(semget(key, 1, IPC_CREAT | 0600)), 0, IPC_RMID));
	getppid();
	must(semctl(set, 0, IPC_SET, &status));
	getppid();
	must(semctl(set, 0, IPC_RMID));
	puts("done");
	return 0;
}
