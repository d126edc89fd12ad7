/* What the checks on message queues share: queues, their messages, and waiting until a thread
 * sleeps.
 *
 * Plain cases stay inside the kernel's default limits (10 messages, 8192 bytes each, 819200 bytes
 * for all queues of a user), so that they can run on the kernel's queues too. */
#ifndef QUEUE_H
#define QUEUE_H

#include "check.h"
#include "waits.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
	QUEUE_NAMES = 4,   /* that a case has at its disposal */
	SMALL_DEPTH = 4,   /* geometry of the queue that most cases use */
	SMALL_SIZE = 64,
	DEEP = 40,         /* places from which on librsipc finds messages by a tree: some more */
	KERNELS = 10,      /* that the kernel lets anybody have */
};

/* The n-th name of this case. The first use must come before the children that share the names. */
static inline const char *queue_name(int n)
{
	static const char *names[QUEUE_NAMES];
	for (int i = 0; i < QUEUE_NAMES && !names[QUEUE_NAMES - 1]; i++)
		names[i] = check_name("queue");
	return names[n];
}

static inline mqd_t queue_create(int n, int flags, long maxmsg, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	mqd_t queue = mq_open(queue_name(n), O_CREAT | O_EXCL | flags, 0600, &attr);
	CHECK_OK(queue);
	return queue;
}

/* The queue of most cases: name 0, SMALL_DEPTH x SMALL_SIZE, read and write. */
static inline mqd_t queue_small(int flags)
{
	return queue_create(0, O_RDWR | flags, SMALL_DEPTH, SMALL_SIZE);
}

/* Places of a deep queue. The kernel lets only the privileged have so many: there it is fewer. */
static inline long queue_deep_places(void)
{
	struct mq_attr attr = { .mq_maxmsg = DEEP, .mq_msgsize = 8 };
	mqd_t made = mq_open(queue_name(0), O_CREAT | O_RDWR, 0600, &attr);
	if (made == (mqd_t)-1 && errno == EINVAL)
		return KERNELS;
	CHECK_OK(made);
	CHECK_OK(mq_close(made));
	CHECK_OK(mq_unlink(queue_name(0)));
	return DEEP;
}

static inline void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* For tests that make many at once: the kernel allows 256, of all that run meanwhile. */
static inline mqd_t queue_create_patiently(const char *name, struct mq_attr *attr)
{
	for (;;) {
		mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, attr);
		if (queue != (mqd_t)-1)
			return queue;
		CHECK(errno == ENOSPC || errno == EMFILE);
		pause_ms(1);
	}
}

static inline mqd_t queue_again(int n, int flags)
{
	mqd_t queue = mq_open(queue_name(n), flags);
	CHECK_OK(queue);
	return queue;
}

static inline long queue_count(mqd_t queue)
{
	struct mq_attr attr;
	CHECK_OK(mq_getattr(queue, &attr));
	return attr.mq_curmsgs;
}

static inline void queue_put(mqd_t queue, const char *text, unsigned priority)
{
	CHECK_OK(mq_send(queue, text, strlen(text), priority));
}

/* The next message is this one; an empty queue is a failure and not a wait. */
static inline void queue_expect(mqd_t queue, const char *text, unsigned priority)
{
	char got[8192 + 1];
	unsigned got_priority = 99999;
	CHECK(queue_count(queue) > 0);
	ssize_t length = mq_receive(queue, got, 8192, &got_priority);
	CHECK_OK(length);
	got[length] = '\0';
	if (strcmp(got, text) != 0)
		check_fail(__FILE__, __LINE__, "received \"%s\", expected \"%s\"", got, text);
	CHECK_EQ(got_priority, priority);
}

/* Takes the next message, whatever it is. */
static inline void queue_take(mqd_t queue)
{
	char got[8192];
	CHECK_OK(mq_receive(queue, got, sizeof got, NULL));
}

/* What poll says of the queue now. */
static inline short queue_events(mqd_t queue)
{
	struct pollfd fd = { queue, POLLIN | POLLOUT, 0 };
	CHECK_OK(poll(&fd, 1, 0));
	return fd.revents;
}

/* Sends until nothing more fits. */
static inline void queue_fill(mqd_t queue)
{
	struct mq_attr attr;
	CHECK_OK(mq_getattr(queue, &attr));
	for (long i = attr.mq_curmsgs; i < attr.mq_maxmsg; i++)
		queue_put(queue, "filler", 1);
}

static inline void queue_kill_child(pid_t pid)
{
	int status;
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A child that sends one message to an empty queue and is killed `delay_ns` after it was told to
 * start. Says whether the message got in. */
static inline bool queue_gets_message_of_killed(mqd_t queue, atomic_int *go, long delay_ns)
{
	atomic_store(go, 0);
	pid_t child = check_fork();
	if (child == 0) {
		atomic_store(go, 1);
		while (atomic_load(go) != 2)
			sched_yield();
		mq_send(queue, "last words", 10, 0);
		_exit(0);
	}
	while (atomic_load(go) != 1)
		sched_yield();
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	long long end = now.tv_sec * 1000000000LL + now.tv_nsec + delay_ns;
	atomic_store(go, 2);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec * 1000000000LL + now.tv_nsec < end);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	return queue_count(queue) == 1;
}

/* The call in which the thread sleeps, with its arguments, if it is one that waits for a queue, a
 * futex or readiness; else false. */
static inline bool queue_sleep_of(pid_t tid, char call[static 256])
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/syscall", (int)tid);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	char *line = fgets(call, 256, file);
	fclose(file);
	if (!line || call[0] < '0' || call[0] > '9')
		return false;
	long number = strtol(call, NULL, 10);
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
		if (waits[i] == number)
			return true;
	return false;
}

/* On its way it may sleep for a moment, too: it is seen in the same call several times. */
static inline void queue_await_asleep(pid_t tid)
{
	char before[256] = "", call[256];
	for (int same = 0; same < 3;) {
		if (!queue_sleep_of(tid, call))
			same = 0;
		else
			same = strcmp(call, before) == 0 ? same + 1 : 1;
		strcpy(before, same ? call : "");
		if (same < 3)
			pause_ms(1);
	}
}

static inline struct timespec deadline_us(long us)
{
	struct timespec when;
	clock_gettime(CLOCK_REALTIME, &when);
	when.tv_sec += us / 1000000;
	when.tv_nsec += us % 1000000 * 1000;
	if (when.tv_nsec >= 1000000000) {
		when.tv_sec++;
		when.tv_nsec -= 1000000000;
	}
	return when;
}

static inline struct timespec deadline_ms(long ms)
{
	return deadline_us(ms * 1000);
}

static inline double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Zeroed memory that forked children share. */
static inline void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

#endif
