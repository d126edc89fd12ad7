/* mq_notify tells of one message. Who does not register again before the queue is empty is told of
 * no other. */
#include "pair.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <time.h>

static mqd_t queue;

static void register_again(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	check(mq_notify(queue, &event), "mq_notify");
}

static void drain(void)
{
	int number;
	while (mq_receive(queue, (char *)&number, sizeof(number), NULL) != -1)
		printf("received %d\n", number);
	if (errno != EAGAIN)
		die("mq_receive");
}

/* Whether there was a notification within a second. */
static int is_told(const sigset_t *signals)
{
	struct timespec second = { .tv_sec = 1 };
	return sigtimedwait(signals, NULL, &second) == SIGUSR1;
}

int main(int count, char **arguments)
{
	begin_pair(count, arguments);
	struct name name = own_name("notify");
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = sizeof(int) };
	queue = mq_open(name.text, O_RDWR | O_NONBLOCK | O_CREAT | O_EXCL, 0600, &attributes);
	check(queue, "mq_open");
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	check(sigprocmask(SIG_BLOCK, &signals, NULL), "sigprocmask");
	register_again();
	blame(name.text, getpid());
	for (int i = 0; i < 3; i++) {
		pid_t child = fork_child();
		if (child == 0) {
			check(mq_send(queue, (const char *)&i, sizeof(i), 0), "mq_send");
			exit(EXIT_SUCCESS);
		}
		expect_success(child);
		if (!is_told(&signals))
			continue;
		if (is_right)
			register_again();
		drain();
	}
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
	return EXIT_SUCCESS;
}
