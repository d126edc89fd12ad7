/* A container: the first process of a PID namespace has put a filter on itself and on what it
 * starts. One of these calls getppid(2), sleeps in msgrcv(2) until a timer ends that, and removes
 * the queue. Prints "done", also where there can be no container. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/refuse.h"

enum { NO_CONTAINER = 77 };

static void ring(int signal)
{
	(void)signal;
}

static int sleep_and_remove(void)
{
	struct {
		long type;
		char body[8];
	} message;
	struct itimerval soon = { .it_value = { 0, 100000 } };
	int queue = msgget(IPC_PRIVATE, 0600);
	getppid();
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = ring }, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (msgrcv(queue, &message, sizeof message.body, 0, 0) != -1 || errno != EINTR)
		return 1;
	return msgctl(queue, IPC_RMID, NULL) == -1;
}

/* Its status is that of what it starts. */
static int be_first(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("proc", "/proc", "proc", 0, NULL) == -1 || refuse_call(SYS_acct, EPERM) == -1)
		return NO_CONTAINER;
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(sleep_and_remove());
	if (child == -1 || waitpid(child, &status, 0) != child)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
	int status = 0;
	pid_t first = unshare(CLONE_NEWPID | CLONE_NEWNS) == -1 ? 0 : fork();
	if (first == 0 && getpid() == 1)
		_exit(be_first());
	if (first > 0 && (waitpid(first, &status, 0) != first || !WIFEXITED(status)))
		return 1;
	int ended = WEXITSTATUS(status);
	if (first == -1 || (ended != 0 && ended != NO_CONTAINER))
		return 1;
	puts("done");
	return 0;
}
