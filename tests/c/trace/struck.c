/* Calls that wait are to be ended by a signal, which strace sends beside a system call of theirs.
 * Prints "done". */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOUND_S = 20 };

static int set, queue;
static mqd_t mq;

static int must(int result)
{
	if (result == -1) {
		perror("struck");
		exit(1);
	}
	return result;
}

static int takes(void)
{
	return semop(set, &(struct sembuf){ 1, -1, 0 }, 1);
}

static int receives(void)
{
	struct {
		long type;
		char body[8];
	} message;
	return (int)msgrcv(queue, &message, sizeof message.body, 0, 0);
}

static int receives_posix(void)
{
	char body[8];
	return (int)mq_receive(mq, body, sizeof body, NULL);
}

static void handles(int signal)
{
	(void)signal;
}

static void ends_struck(int (*wait_for)(void), const char *name)
{
	pid_t child = must(fork());
	if (child == 0) {
		must(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handles }, NULL));
		alarm(BOUND_S);
		_exit(wait_for() == -1 && errno == EINTR ? 0 : 1);
	}
	int status;
	must(waitpid(child, &status, 0));
	if (status != 0) {
		fprintf(stderr, "%s: status 0x%x\n", name, (unsigned)status);
		exit(1);
	}
}

int main(void)
{
	char name[64];
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	snprintf(name, sizeof name, "/struck.%d", (int)getpid());
	mq = (mqd_t)must((int)mq_open(name, O_CREAT | O_RDWR, 0600, &attributes));
	must(mq_unlink(name));
	queue = must(msgget(IPC_PRIVATE, 0600));
	set = must(semget(IPC_PRIVATE, 2, 0600));
	/* One that sleeps waits for the death of this process, too. */
	must(semop(set, &(struct sembuf){ 0, 1, SEM_UNDO }, 1));
	ends_struck(takes, "semop");
	ends_struck(receives, "msgrcv");
	ends_struck(receives_posix, "mq_receive");
	must(semctl(set, 0, IPC_RMID));
	must(msgctl(queue, IPC_RMID, NULL));
	puts("done");
	return 0;
}
