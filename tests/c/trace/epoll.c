/* Waits by an epoll for queues with the same data, one of which has a message, between two calls of
 * getppid(2), which divide the trace. Prints "done". */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { QUEUES = 9, WAITS = 128 };

int main(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 7 };
	int epoll = epoll_create1(0);
	mqd_t queue = -1;
	for (int i = 0; i < QUEUES; i++) {
		char name[64];
		snprintf(name, sizeof name, "/epoll.%d", (int)getpid());
		queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
		if (queue == (mqd_t)-1 || mq_unlink(name) != 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event) != 0)
			return 1;
	}
	if (mq_send(queue, "here", 4, 0) != 0)
		return 1;
	getppid();
	for (int i = 0; i < WAITS; i++)
		if (epoll_wait(epoll, &event, 1, 0) != 1)
			return 1;
	getppid();
	puts("done");
	return 0;
}
