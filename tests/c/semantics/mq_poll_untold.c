/* A program reads from the descriptor of a queue by calls that are not the library's. Of the
 * kernel's queue it gets a line of text, and takes nothing: the queue is reported as before. */
#include "../support/limits.h"
#include "../support/queue.h"

#include <sys/eventfd.h>
#include <sys/select.h>

enum { BOUND = 20000, ROUNDS = 5 };

static mqd_t queue;

/* There may be nothing to be read, as at the end of the text. */
static void read_around(size_t bytes)
{
	char got[64];
	long count = syscall(SYS_read, queue, got, bytes);
	CHECK(count >= 0 || errno == EAGAIN);
}

static short polled(short events, int ms)
{
	struct pollfd fd = { queue, events, 0 };
	int count = poll(&fd, 1, ms);
	CHECK_EQ(count, fd.revents != 0);
	return fd.revents;
}

static short ppolled(short events, int ms)
{
	struct pollfd fd = { queue, events, 0 };
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	int count = ppoll(&fd, 1, &time, NULL);
	CHECK_EQ(count, fd.revents != 0);
	return fd.revents;
}

/* What a select of the queue beside another descriptor says of the queue. `other`: -1 for none. */
static short told_by_select(int other, short events, int ms, bool has_mask)
{
	fd_set in, out;
	FD_ZERO(&in);
	FD_ZERO(&out);
	if (events & POLLIN)
		FD_SET(queue, &in);
	if (events & POLLOUT)
		FD_SET(queue, &out);
	if (other != -1)
		FD_SET(other, &in);
	int most = (other > queue ? other : queue) + 1;
	struct timeval time = { ms / 1000, ms % 1000 * 1000 };
	struct timespec span = { ms / 1000, ms % 1000 * 1000000 };
	int count = has_mask ? pselect(most, &in, &out, NULL, &span, NULL)
			     : select(most, &in, &out, NULL, &time);
	CHECK_OK(count);
	return (FD_ISSET(queue, &in) ? POLLIN : 0) | (FD_ISSET(queue, &out) ? POLLOUT : 0);
}

static short selected(short events, int ms)
{
	return told_by_select(-1, events, ms, false);
}

static short pselected(short events, int ms)
{
	return told_by_select(-1, events, ms, true);
}

static void tells_of_messages(short (*told)(short, int))
{
	queue = queue_small(O_NONBLOCK);
	CHECK_EQ(told(POLLIN, 0), 0);
	for (int round = 0; round < ROUNDS; round++) {
		queue_put(queue, "news", 0);
		CHECK_EQ(told(POLLIN, BOUND), POLLIN);
		read_around(8);
		CHECK_EQ(told(POLLIN, BOUND), POLLIN);
		read_around(8);
		CHECK_EQ(told(POLLIN, 0), POLLIN);
		read_around(8);
		CHECK_EQ(told(POLLIN | POLLOUT, BOUND), POLLIN | POLLOUT);
		queue_expect(queue, "news", 0);
		CHECK_EQ(told(POLLIN, 0), 0);
	}
}

CASE(mq_poll_tells_of_messages_after_a_read_around_the_library)
{
	tells_of_messages(polled);
}

CASE(mq_ppoll_tells_of_messages_after_a_read_around_the_library)
{
	tells_of_messages(ppolled);
}

CASE(mq_select_tells_of_messages_after_a_read_around_the_library)
{
	tells_of_messages(selected);
}

CASE(mq_pselect_tells_of_messages_after_a_read_around_the_library)
{
	tells_of_messages(pselected);
}

CASE(mq_poll_tells_of_messages_after_eventfd_read)
{
	queue = queue_small(O_NONBLOCK);
	for (int round = 0; round < ROUNDS; round++) {
		eventfd_t value;
		queue_put(queue, "news", 0);
		CHECK_EQ(polled(POLLIN, BOUND), POLLIN);
		eventfd_read(queue, &value);
		CHECK_EQ(polled(POLLIN, -1), POLLIN);
		queue_expect(queue, "news", 0);
	}
}

/* A full queue has many packets, and the state of it in both directions is wrong without them. */
static void tells_of_a_full_queue(short (*told)(short, int))
{
	queue = queue_small(O_NONBLOCK);
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_EQ(told(POLLOUT, BOUND), POLLOUT);
		queue_fill(queue);
		CHECK_EQ(told(POLLIN | POLLOUT, BOUND), POLLIN);
		read_around(round % 2 ? 1 : 64);
		CHECK_EQ(told(POLLOUT, 0), 0);
		CHECK_EQ(told(POLLIN | POLLOUT, BOUND), POLLIN);
		for (int left = SMALL_DEPTH; left > 0; left--)
			queue_expect(queue, "filler", 1);
		CHECK_EQ(told(POLLIN, 0), 0);
	}
}

CASE(mq_poll_tells_of_a_full_queue_after_a_read_around_the_library)
{
	tells_of_a_full_queue(polled);
}

CASE(mq_select_tells_of_a_full_queue_after_a_read_around_the_library)
{
	tells_of_a_full_queue(selected);
}

/* It sleeps: a call that asked the kernel again and again would use up its processor time. */
CASE(mq_poll_for_space_sleeps_after_a_read_around_the_library)
{
	queue = queue_small(O_NONBLOCK);
	CHECK_EQ(polled(POLLOUT, BOUND), POLLOUT);
	queue_fill(queue);
	CHECK_EQ(polled(POLLOUT, 0), 0);
	read_around(1);
	limit_to(RLIMIT_CPU, 1);
	CHECK_EQ(polled(POLLOUT, 4000), 0);
}

static int readable_pipe(void)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	return ends[0];
}

CASE(mq_poll_and_select_tell_of_messages_beside_what_is_always_there)
{
	queue = queue_small(O_NONBLOCK);
	struct pollfd both[2] = { { readable_pipe(), POLLIN, 0 }, { queue, POLLIN, 0 } };
	CHECK_EQ(poll(both, 2, BOUND), 1);
	queue_put(queue, "news", 0);
	for (int round = 0; round < ROUNDS; round++) {
		read_around(8);
		CHECK_EQ(poll(both, 2, round % 2 ? BOUND : 0), 2);
		CHECK_EQ(both[0].revents, POLLIN);
		CHECK_EQ(both[1].revents, POLLIN);
		read_around(8);
		CHECK_EQ(ppoll(both, 2, NULL, NULL), 2);
		read_around(8);
		CHECK_EQ(told_by_select(both[0].fd, POLLIN, BOUND, false), POLLIN);
		read_around(8);
		CHECK_EQ(told_by_select(both[0].fd, POLLIN, BOUND, true), POLLIN);
	}
}

CASE(mq_poll_tells_of_messages_after_another_process_has_read_around_the_library)
{
	queue = queue_small(O_NONBLOCK);
	CHECK_EQ(polled(POLLIN, 0), 0);
	queue_put(queue, "news", 0);
	queue_put(queue, "more", 0);
	CHECK_EQ(polled(POLLIN, BOUND), POLLIN);
	pid_t child = check_fork();
	if (child == 0) {
		read_around(8);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(polled(POLLIN, BOUND), POLLIN);
	queue_expect(queue, "news", 0);
	CHECK_EQ(polled(POLLIN, BOUND), POLLIN);
}

/* A call that would have found something is refused for its timeout all the same. */
CASE(mq_ppoll_with_a_bad_time_beside_a_message_is_einval)
{
	queue = queue_small(O_NONBLOCK);
	queue_put(queue, "news", 0);
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_FAILS(ppoll(&fd, 1, &(struct timespec){ 0, 1000000000 }, NULL), EINVAL);
	CHECK_FAILS(ppoll(&fd, 1, &(struct timespec){ -1, 0 }, NULL), EINVAL);
	CHECK_FAILS(ppoll(&fd, 1, &(struct timespec){ 0, -1 }, NULL), EINVAL);
}
