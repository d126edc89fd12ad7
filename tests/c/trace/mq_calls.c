/* Every call of <mqueue.h>, and everything else that a descriptor of a queue is good for. Prints
 * "done". */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/must.h"

enum { DEPTH = 4, SIZE = 64 };

static char got[SIZE];
static mqd_t queue;

static struct timespec in_seconds(int seconds)
{
	struct timespec when;
	clock_gettime(CLOCK_REALTIME, &when);
	when.tv_sec += seconds;
	return when;
}

static void send_and_receive(void)
{
	struct timespec soon = in_seconds(5), past = { 0, 0 };
	struct mq_attr attr;
	MUST(mq_send(queue, "one", 3, 1) == 0 && mq_timedsend(queue, "two", 3, 2, &soon) == 0);
	MUST(mq_getattr(queue, &attr) == 0 && attr.mq_curmsgs == 2);
	MUST(mq_receive(queue, got, SIZE, NULL) == 3 && memcmp(got, "two", 3) == 0);
	MUST(mq_timedreceive(queue, got, SIZE, NULL, &soon) == 3 && memcmp(got, "one", 3) == 0);
	MUST(mq_timedreceive(queue, got, SIZE, NULL, &past) == -1 && errno == ETIMEDOUT);
	MUST(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL) == 0);
	MUST(mq_receive(queue, got, SIZE, NULL) == -1 && errno == EAGAIN);
	for (int i = 0; i < DEPTH; i++)
		MUST(mq_send(queue, "x", 1, 0) == 0);
	MUST(mq_send(queue, "x", 1, 0) == -1 && errno == EAGAIN);
	for (int i = 0; i < DEPTH; i++)
		MUST(mq_receive(queue, got, SIZE, NULL) == 1);
	MUST(mq_setattr(queue, &(struct mq_attr){ .mq_flags = 0 }, &attr) == 0 &&
	     attr.mq_flags == O_NONBLOCK);
}

/* Each of the two sleeps until the other one has done something. */
static void with_a_child(void)
{
	pid_t child = fork();
	MUST(child != -1);
	if (child == 0) {
		for (int i = 0; i < 20; i++)
			MUST(mq_receive(queue, got, SIZE, NULL) == 1);
		exit(0);
	}
	for (int i = 0; i < 20; i++)
		MUST(mq_send(queue, "x", 1, 0) == 0);
	int status;
	MUST(waitpid(child, &status, 0) == child && status == 0);
}

static void polled(void)
{
	struct pollfd fd = { queue, POLLIN | POLLOUT, 0 };
	MUST(poll(&fd, 1, 0) == 1 && fd.revents == POLLOUT);
	fd_set set;
	FD_ZERO(&set);
	FD_SET(queue, &set);
	MUST(select(queue + 1, NULL, &set, NULL, &(struct timeval){ 5, 0 }) == 1);
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	MUST(epoll != -1 && epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event) == 0);
	MUST(mq_send(queue, "x", 1, 0) == 0 && epoll_wait(epoll, &event, 1, 5000) == 1);
	MUST(mq_receive(queue, got, SIZE, NULL) == 1 && close(epoll) == 0);
}

static int pipe_of_thread[2];

static void in_thread(union sigval value)
{
	MUST(write(pipe_of_thread[1], "!", 1) == 1 && value.sival_int == 7);
}

static void notified(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	struct sigevent by_signal = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	MUST(mq_notify(queue, &by_signal) == 0 && mq_send(queue, "x", 1, 0) == 0);
	MUST(sigtimedwait(&set, NULL, &(struct timespec){ 5, 0 }) == SIGUSR1);
	MUST(mq_receive(queue, got, SIZE, NULL) == 1);

	struct sigevent by_thread = { .sigev_notify = SIGEV_THREAD,
				      .sigev_notify_function = in_thread,
				      .sigev_value.sival_int = 7 };
	MUST(pipe(pipe_of_thread) == 0 && mq_notify(queue, &by_thread) == 0 &&
	     mq_send(queue, "x", 1, 0) == 0);
	struct pollfd fd = { pipe_of_thread[0], POLLIN, 0 };
	MUST(poll(&fd, 1, 5000) == 1 && mq_receive(queue, got, SIZE, NULL) == 1);

	MUST(mq_notify(queue, &(struct sigevent){ .sigev_notify = SIGEV_NONE }) == 0 &&
	     mq_notify(queue, NULL) == 0);
}

int main(void)
{
	char name[64];
	snprintf(name, sizeof name, "/rsipc-calls-%d", (int)getpid());
	struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = SIZE };
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	MUST(queue != (mqd_t)-1);
	mqd_t again = mq_open(name, O_RDONLY);
	MUST(again != (mqd_t)-1 && mq_close(again) == 0);
	send_and_receive();
	with_a_child();
	polled();
	notified();
	MUST(mq_unlink(name) == 0 && mq_close(queue) == 0);
	MUST(mq_send(queue, "x", 1, 0) == -1 && errno == EBADF);
	puts("done");
	return 0;
}
