/* Every call of <sys/sem.h>, with sleepers, undo and removal. Prints "done". */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/must.h"

static int set;

static int change(int member, int by, int flags)
{
	return semop(set, &(struct sembuf){ (unsigned short)member, (short)by, (short)flags }, 1);
}

static void *takes(void *unused)
{
	MUST(change(0, -1, 0) == 0);
	return unused;
}

/* A thread sleeps, and is served. */
static void serve_a_thread(void)
{
	pthread_t thread;
	MUST(pthread_create(&thread, NULL, takes, NULL) == 0);
	while (semctl(set, 0, GETNCNT) != 1)
		usleep(1000);
	MUST(change(0, 1, 0) == 0);
	MUST(pthread_join(thread, NULL) == 0);
}

/* A child is killed with something in its hands, for which this process sleeps. */
static void outlive_a_holder(void)
{
	MUST(change(1, 1, 0) == 0);
	pid_t child = fork();
	MUST(child != -1);
	if (child == 0) {
		MUST(change(1, -1, SEM_UNDO) == 0);
		raise(SIGKILL);
	}
	MUST(waitpid(child, NULL, 0) == child);
	struct timespec time = { 10, 0 };
	MUST(semtimedop(set, &(struct sembuf){ 1, -1, SEM_UNDO }, 1, &time) == 0);
	MUST(semctl(set, 1, GETPID) == getpid());
}

static void control(void)
{
	unsigned short values[2] = { 3, 4 };
	struct semid_ds status;
	struct seminfo info;
	MUST(semctl(set, 0, SETALL, values) == 0 && semctl(set, 0, GETALL, values) == 0);
	MUST(semctl(set, 0, SETVAL, 5) == 0 && semctl(set, 0, GETVAL) == 5);
	MUST(semctl(set, 1, GETZCNT) == 0);
	MUST(semctl(set, 0, IPC_STAT, &status) == 0 && status.sem_nsems == 2);
	MUST(semctl(set, 0, IPC_SET, &status) == 0);
	MUST(semctl(set, 0, SEM_STAT, &status) == set);
	MUST(semctl(0, 0, SEM_INFO, &info) >= 0);
}

int main(void)
{
	struct timespec soon = { 0, 1000000 };
	key_t key = (key_t)(0x40000000 | getpid() << 4);
	set = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
	MUST(set != -1 && semget(key, 2, 0600) == set);
	serve_a_thread();
	outlive_a_holder();
	MUST(semtimedop(set, &(struct sembuf){ 0, -1, 0 }, 1, &soon) == -1 && errno == EAGAIN);
	control();
	MUST(semctl(set, 0, IPC_RMID) == 0);
	puts("done");
	return 0;
}
