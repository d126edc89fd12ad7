/* A process that changes a queue is stopped, at any instruction, and for longer than a process is
 * ever without a processor: a poller is not told before the change, and is told after it. Meanwhile
 * it is told of other descriptors, and hears signals. */
#include "../support/step_queue.h"

#include <sys/epoll.h>
#include <sys/select.h>

enum { STOPPED_MS = 60 };

/* What a wait tells of. */
enum { QUEUE = 1, PIPE = 2, SIGNAL = 4 };

struct watched {
	int pipe, epoll;
	bool for_room;
};

/* How to wait for the queue and the pipe. */
struct way {
	void (*prepare)(struct watched *watched);
	int (*wait)(const struct watched *watched);
	/* The event of the queue comes once, and so is not held back for something else. */
	bool by_edges;
};

static struct told {
	atomic_int queue, pipe, signal;
} *told;

static void nothing(struct watched *watched)
{
	(void)watched;
}

static int interrupted(int result)
{
	if (result == -1)
		CHECK_EQ(errno, EINTR);
	return result == -1 ? SIGNAL : 0;
}

static int by_poll(const struct watched *watched)
{
	struct pollfd fds[] = { { queue, watched->for_room ? POLLOUT : POLLIN, 0 },
				{ watched->pipe, POLLIN, 0 } };
	int result = poll(fds, 2, -1);
	if (result == -1)
		return interrupted(result);
	return (fds[0].revents ? QUEUE : 0) | (fds[1].revents ? PIPE : 0);
}

static int by_select(const struct watched *watched)
{
	fd_set in, out;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(queue, watched->for_room ? &out : &in);
	FD_SET(watched->pipe, &in);
	int last = queue > watched->pipe ? queue : watched->pipe;
	int result = select(last + 1, &in, &out, NULL, &(struct timeval){ 60, 0 });
	if (result == -1)
		return interrupted(result);
	return (FD_ISSET(queue, watched->for_room ? &out : &in) ? QUEUE : 0) |
	       (FD_ISSET(watched->pipe, &in) ? PIPE : 0);
}

static void add(struct watched *watched, uint32_t mode)
{
	uint32_t kind = watched->for_room ? EPOLLOUT : EPOLLIN;
	struct epoll_event of_queue = { .events = kind | mode, .data.u32 = QUEUE },
			   of_pipe = { .events = EPOLLIN, .data.u32 = PIPE };
	watched->epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_OK(epoll_ctl(watched->epoll, EPOLL_CTL_ADD, queue, &of_queue));
	CHECK_OK(epoll_ctl(watched->epoll, EPOLL_CTL_ADD, watched->pipe, &of_pipe));
}

static void prepare_epoll(struct watched *watched)
{
	add(watched, 0);
}

static void prepare_edges(struct watched *watched)
{
	add(watched, EPOLLET);
}

static int by_epoll(const struct watched *watched)
{
	struct epoll_event events[2];
	int seen = 0, result = epoll_wait(watched->epoll, events, 2, -1);
	for (int i = 0; i < result; i++)
		seen |= (int)events[i].data.u32;
	return seen | interrupted(result);
}

static void note_signal(int number)
{
	(void)number;
}

static void poll_until_told(const struct way *way, struct watched watched)
{
	struct sigaction action = { .sa_handler = note_signal };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	way->prepare(&watched);
	for (int seen = 0; !(seen & QUEUE);) {
		seen = way->wait(&watched);
		if (seen & PIPE) {
			CHECK_EQ(read(watched.pipe, &(char){ 0 }, 1), 1);
			atomic_store(&told->pipe, 1);
		}
		if (seen & SIGNAL)
			atomic_store(&told->signal, 1);
	}
	atomic_store(&told->queue, 1);
	_exit(0);
}

/* While the victim is stopped before its change. */
static void hears_of_others(pid_t poller, int pipe)
{
	CHECK_EQ(write(pipe, "x", 1), 1);
	CHECK_SOON(atomic_load(&told->pipe));
	/* A signal may come between two calls. */
	CHECK_SOON(kill(poller, SIGUSR1) == 0 && atomic_load(&told->signal));
	CHECK(!atomic_load(&told->queue));
}

static int trial(int steps, const struct way *way, bool for_room)
{
	int ends[2];
	step_queues(2);
	told = shared_memory(sizeof *told);
	CHECK_OK(pipe(ends));
	for (int i = 0; for_room && i < 2; i++)
		send_one();
	pid_t poller = check_fork();
	if (poller == 0)
		poll_until_told(way, (struct watched){ .pipe = ends[0], .for_room = for_room });
	queue_await_asleep(poller);
	pid_t victim = step_victim(rehearse, for_room ? receive_one : send_one);
	int in_call = step_many(victim, steps);
	pause_ms(STOPPED_MS);
	if (queue_count(queue) == 1) {
		CHECK_SOON(atomic_load(&told->queue));
	} else {
		CHECK(!atomic_load(&told->queue));
		if (!way->by_edges)
			hears_of_others(poller, ends[1]);
	}
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	step_kill(victim);
	CHECK_SOON(atomic_load(&told->queue));
	check_child(poller);
	CHECK_EQ(queue_count(queue), 1);
	return in_call ? STEP_LATE : STEP_OVER;
}

static void each_step(int (*one)(int))
{
	int counts[STEP_ENDS];
	try_each_step(one, counts);
	CHECK(counts[STEP_LATE] > 3);
}

static const struct way poll_way = { nothing, by_poll, false },
			select_way = { nothing, by_select, false },
			epoll_way = { prepare_epoll, by_epoll, false },
			edge_way = { prepare_edges, by_epoll, true };

#define TRIALS(name, way)                                                               \
	static int sender_##name(int steps)                                             \
	{                                                                               \
		return trial(steps, &way, false);                                       \
	}                                                                               \
	CASE(mq_##name##_tells_of_a_message_only_once_its_stopped_sender_has_sent_it)   \
	{                                                                               \
		each_step(sender_##name);                                               \
	}                                                                               \
	static int receiver_##name(int steps)                                           \
	{                                                                               \
		return trial(steps, &way, true);                                        \
	}                                                                               \
	CASE(mq_##name##_tells_of_space_only_once_its_stopped_receiver_has_left_it)     \
	{                                                                               \
		each_step(receiver_##name);                                             \
	}

TRIALS(poll, poll_way)
TRIALS(select, select_way)
TRIALS(epoll, epoll_way)
TRIALS(epoll_on_edges, edge_way)
