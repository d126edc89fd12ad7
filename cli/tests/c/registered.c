/* Registers for a notification, opens the queue again, removes its name, and has a child send: the
 * signal comes. The argument is the name. */
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	sigset_t set;
	if (argc != 2)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	mqd_t queue = mq_open(argv[1], O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	if (queue == (mqd_t)-1 || mq_notify(queue, &event) == -1)
		return 3;
	if (mq_open(argv[1], O_CREAT | O_WRONLY, 0600, &attributes) == (mqd_t)-1)
		return 4;
	if (mq_unlink(argv[1]) == -1)
		return 5;
	pid_t pid = fork();
	if (pid == 0)
		_exit(mq_send(queue, "x", 1, 0) != 0);
	int status;
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		return 6;
	return sigtimedwait(&set, NULL, &(struct timespec){ .tv_sec = 20 }) == SIGUSR1 ? 0 : 7;
}
