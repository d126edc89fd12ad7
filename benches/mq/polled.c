/* Queues that are polled: a receiver that waits in poll or epoll for what one sender on another
 * processor sends.
 *
 *   polled stream poll|epoll|blocking PLACES time|cpu   one way, as fast as the sender can
 *   polled paced poll|epoll|blocking PLACES cpu         a message every 50 us, to a sleeper
 *   polled pingpong poll|epoll|blocking PLACES time|cpu there and back
 *
 * `poll` and `epoll` drain a non-blocking descriptor until it is empty; `blocking` takes one
 * message from a blocking descriptor after each poll. `time` is that from message to message, `cpu`
 * the processor time that both sides together take for a message, all their threads counted. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>

#include "../support/bench.h"

enum { SMALL = 64, MESSAGES = 10, PACE_NS = 50000, MOST_LOOKS = 50 };

enum way { BY_POLL, BY_EPOLL, BY_BLOCKING };

/* The two ends are open file descriptions of their own, so that one may block and the other not. */
struct queue {
	mqd_t in, out;
};

static struct queue queue_new(enum way way)
{
	static int number;
	char name[64];
	struct mq_attr attr = { .mq_maxmsg = MESSAGES, .mq_msgsize = SMALL };
	struct queue queue;
	snprintf(name, sizeof name, "/rsipc-bench.%d.%d", (int)getpid(), number++);
	queue.in = mq_open(name, O_CREAT | O_EXCL | O_WRONLY, 0600, &attr);
	BENCH_NEED(queue.in != (mqd_t)-1);
	queue.out = mq_open(name, O_RDONLY | (way == BY_BLOCKING ? 0 : O_NONBLOCK));
	BENCH_NEED(queue.out != (mqd_t)-1);
	mq_unlink(name);
	return queue;
}

static void send_one(const struct queue *queue)
{
	static char body[SMALL];
	BENCH_NEED(mq_send(queue->in, body, SMALL, 0) == 0);
}

/* Returns whether there was one. */
static int receive_one(const struct queue *queue)
{
	static char body[SMALL];
	ssize_t length = mq_receive(queue->out, body, SMALL, NULL);
	BENCH_NEED(length == SMALL || (length == -1 && errno == EAGAIN));
	return length == SMALL;
}

/* One turn of a receiver: sleeps until the queue is readable, takes what is there. Returns the
 * number of messages. */
static unsigned take(const struct queue *queue, enum way way, int epoll)
{
	struct epoll_event event;
	struct pollfd entry = { .fd = queue->out, .events = POLLIN };
	unsigned taken = 0;
	if (way == BY_EPOLL)
		BENCH_NEED(epoll_wait(epoll, &event, 1, -1) == 1);
	else
		BENCH_NEED(poll(&entry, 1, -1) == 1);
	if (way == BY_BLOCKING)
		return (unsigned)receive_one(queue);
	while (receive_one(queue))
		taken++;
	return taken;
}

static int watch_by_epoll(const struct queue *queue)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	BENCH_NEED(epoll != -1 && epoll_ctl(epoll, EPOLL_CTL_ADD, queue->out, &event) == 0);
	return epoll;
}

static double cpu_ns(pid_t process)
{
	struct timespec used;
	clockid_t clock;
	BENCH_NEED(clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &used) == 0);
	return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

/* Watches two processes that count messages: nanoseconds for one, of time or of processors. */
static double watch(const struct bench_counter *counter, const pid_t *pair, int cpu)
{
	usleep(BENCH_WARM_MS * 1000);
	double used = cpu_ns(pair[0]) + cpu_ns(pair[1]);
	uint64_t before = counter->count, start = bench_now_ns();
	uint64_t counted = 0;
	/* On a busy machine neither may have run yet. */
	for (int looks = 0; looks < MOST_LOOKS && counted == 0; looks++) {
		usleep(BENCH_MS * 1000);
		counted = counter->count - before;
	}
	double passed = (double)(bench_now_ns() - start);
	used = cpu_ns(pair[0]) + cpu_ns(pair[1]) - used;
	bench_end(pair[0]);
	bench_end(pair[1]);
	if (counted == 0) {
		fprintf(stderr, "no message in %d ms: a wake is lost\n", MOST_LOOKS * BENCH_MS);
		exit(1);
	}
	return (cpu ? used : passed) / (double)counted;
}

static double measure_stream(enum way way, struct bench_places places, long pace_ns, int cpu)
{
	struct queue queue = queue_new(way);
	struct bench_counter *received = bench_shared(sizeof *received);
	pid_t pair[2];
	pair[0] = bench_fork(places.here);
	while (pair[0] == 0) {
		send_one(&queue);
		if (pace_ns)
			nanosleep(&(struct timespec){ .tv_nsec = pace_ns }, NULL);
	}
	pair[1] = bench_fork(places.there);
	if (pair[1] == 0) {
		int epoll = watch_by_epoll(&queue);
		for (;;)
			received->count += take(&queue, way, epoll);
	}
	return watch(received, pair, cpu);
}

static double measure_pingpong(enum way way, struct bench_places places, int cpu)
{
	struct queue there = queue_new(way), back = queue_new(way);
	struct bench_counter *received = bench_shared(sizeof *received);
	pid_t pair[2];
	pair[0] = bench_fork(places.here);
	if (pair[0] == 0) {
		int epoll = watch_by_epoll(&back);
		for (;;) {
			send_one(&there);
			received->count += take(&back, way, epoll);
		}
	}
	pair[1] = bench_fork(places.there);
	if (pair[1] == 0) {
		int epoll = watch_by_epoll(&there);
		for (;;)
			for (unsigned taken = take(&there, way, epoll); taken > 0; taken--)
				send_one(&back);
	}
	return watch(received, pair, cpu);
}

int main(int argc, char **argv)
{
	static const char *ways[] = { "poll", "epoll", "blocking" };
	if (argc != 5) {
		fprintf(stderr, "usage: stream|paced|pingpong WAY PLACES time|cpu\n");
		return 2;
	}
	unsigned way = 0;
	while (way < 3 && strcmp(argv[2], ways[way]) != 0)
		way++;
	BENCH_NEED(way < 3);
	struct bench_places places = bench_places(argv[3]);
	int cpu = strcmp(argv[4], "cpu") == 0;
	long pace_ns = strcmp(argv[1], "paced") == 0 ? PACE_NS : 0;
	double ns;
	if (strcmp(argv[1], "pingpong") == 0)
		ns = measure_pingpong((enum way)way, places, cpu);
	else
		ns = measure_stream((enum way)way, places, pace_ns, cpu);
	return bench_report(ns, way == BY_EPOLL ? "epoll_ctl" : "poll");
}
