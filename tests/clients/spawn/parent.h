/* What a parent has open while it starts other programs: a queue, an epoll that watches it, and a
 * registration for the next message. Whatever the children close, all three have to go on. Each
 * claim is a line: "passed NAME" or "failure NAME". */
#ifndef PARENT_H
#define PARENT_H

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* Longer than anything here takes; a hang becomes a failure. */
enum { PATIENCE_MS = 5000 };

struct parent {
	mqd_t queue;
	int epoll;
};

static volatile sig_atomic_t parent_notified;

static void parent_handler(int number)
{
	(void)number;
	parent_notified = 1;
}

static void parent_need(int condition, const char *what)
{
	if (!condition) {
		perror(what);
		exit(1);
	}
}

static struct parent parent_open(void)
{
	static int number;
	char name[64];
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	struct sigaction action = { .sa_handler = parent_handler, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3 };
	struct epoll_event in = { .events = EPOLLIN };
	struct parent parent;

	parent_notified = 0;
	snprintf(name, sizeof name, "/rsipc-spawn.%d.%d", (int)getpid(), number++);
	parent.queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr);
	parent_need(parent.queue != (mqd_t)-1, "mq_open");
	mq_unlink(name);
	parent_need((parent.epoll = epoll_create1(EPOLL_CLOEXEC)) != -1, "epoll_create1");
	parent_need(epoll_ctl(parent.epoll, EPOLL_CTL_ADD, parent.queue, &in) == 0, "epoll_ctl");
	parent_need(sigaction(SIGRTMIN + 3, &action, NULL) == 0, "sigaction");
	parent_need(mq_notify(parent.queue, &event) == 0, "mq_notify");
	return parent;
}

static void parent_claim(const char *way, const char *claim, int holds)
{
	printf("%s %s.%s\n", holds ? "passed" : "failure", way, claim);
	fflush(stdout);
}

static int parent_readable(const struct parent *parent, int milliseconds)
{
	struct epoll_event event;
	int ready;
	do
		ready = epoll_wait(parent->epoll, &event, 1, milliseconds);
	while (ready == -1 && errno == EINTR);
	return ready == 1;
}

static int parent_is_notified(void)
{
	for (int i = 0; i < PATIENCE_MS && !parent_notified; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return parent_notified;
}

/* What the children may not have changed. Closes everything. */
static void parent_check(struct parent *parent, const char *way)
{
	char body[64];
	parent_claim(way, "stays_quiet", !parent_readable(parent, 0));
	parent_claim(way, "sends", mq_send(parent->queue, "hello", 5, 1) == 0);
	parent_claim(way, "is_notified", parent_is_notified());
	parent_claim(way, "polls", parent_readable(parent, PATIENCE_MS));
	ssize_t length = mq_receive(parent->queue, body, sizeof body, NULL);
	parent_claim(way, "receives", length == 5 && memcmp(body, "hello", 5) == 0);
	parent_claim(way, "is_quiet_again", !parent_readable(parent, 0));
	parent_claim(way, "closes", mq_close(parent->queue) == 0 && close(parent->epoll) == 0);
}

#endif
