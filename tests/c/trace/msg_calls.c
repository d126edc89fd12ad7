/* Every call of <sys/msg.h>, with sleepers on both sides and removal. Prints "done". */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/asleep.h"
#include "../support/must.h"

struct message {
	long type;
	char text[64];
};

static int queue;
static pid_t sleeper;

static int sends(long type, size_t size, int flags)
{
	struct message message = { .type = type, .text = "text" };
	return msgsnd(queue, &message, size, flags);
}

static int receives(long wanted, int flags)
{
	struct message message;
	return (int)msgrcv(queue, &message, sizeof message.text, wanted, flags);
}

static void await_sleeper(pid_t process)
{
	pid_t thread;
	while ((thread = __atomic_load_n(&sleeper, __ATOMIC_ACQUIRE)) == 0 ||
	       !asleep(process, thread))
		usleep(1000);
	sleeper = 0;
}

static void *receives_in_thread(void *unused)
{
	__atomic_store_n(&sleeper, gettid(), __ATOMIC_RELEASE);
	MUST(receives(7, 0) == 4);
	return unused;
}

static void *sends_in_thread(void *unused)
{
	__atomic_store_n(&sleeper, gettid(), __ATOMIC_RELEASE);
	MUST(sends(8, 60, 0) == 0);
	return unused;
}

/* A thread sleeps on either side, and is served. */
static void serve_threads(void)
{
	pthread_t thread;
	MUST(pthread_create(&thread, NULL, receives_in_thread, NULL) == 0);
	await_sleeper(getpid());
	MUST(sends(7, 4, 0) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(sends(1, 64, 0) == 0);
	MUST(pthread_create(&thread, NULL, sends_in_thread, NULL) == 0);
	await_sleeper(getpid());
	MUST(receives(1, 0) == 64);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(receives(-9, IPC_NOWAIT) == 60);
}

/* A child sleeps until the queue is gone. */
static void remove_under_a_child(void)
{
	pid_t child = fork();
	MUST(child != -1);
	if (child == 0) {
		MUST(receives(9, 0) == -1 && errno == EIDRM);
		_exit(0);
	}
	sleeper = child;
	await_sleeper(child);
	MUST(msgctl(queue, IPC_RMID, NULL) == 0);
	int status;
	MUST(waitpid(child, &status, 0) == child && status == 0);
}

static void control(void)
{
	struct msqid_ds status;
	struct msginfo info;
	MUST(msgctl(queue, IPC_STAT, &status) == 0);
	status.msg_qbytes = 100;
	MUST(msgctl(queue, IPC_SET, &status) == 0);
	MUST(msgctl(queue, MSG_STAT, &status) == queue);
	MUST(msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&info) >= 0);
	MUST(msgctl(0, IPC_INFO, (struct msqid_ds *)(void *)&info) >= 0);
}

int main(void)
{
	key_t key = (key_t)(0x40000000 | getpid() << 4);
	queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
	MUST(queue != -1 && msgget(key, 0600) == queue);
	control();
	MUST(sends(1, 4, IPC_NOWAIT) == 0 && receives(0, IPC_NOWAIT) == 4);
	MUST(receives(0, IPC_NOWAIT) == -1 && errno == ENOMSG);
	serve_threads();
	remove_under_a_child();
	puts("done");
	return 0;
}
