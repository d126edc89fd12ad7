/* As mq_poll_untold.c, for epoll: a read from the descriptor that is not the library's takes
 * nothing. */
#include "../support/queue.h"

#include <sys/epoll.h>

enum { BOUND = 20000, ROUNDS = 5 };

/* Newer than some C libraries. */
int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout,
		 const sigset_t *mask) __attribute__((weak));

static mqd_t queue;

static void read_around(size_t bytes)
{
	char got[64];
	long count = syscall(SYS_read, queue, got, bytes);
	CHECK(count >= 0 || errno == EAGAIN);
}

static int epoll_of(uint32_t events)
{
	struct epoll_event want = { .events = events, .data.u64 = 7 };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	return epoll;
}

typedef int wait_form(int epoll, struct epoll_event *events, int most, int ms);

static int with_mask(int epoll, struct epoll_event *events, int most, int ms)
{
	sigset_t none;
	sigemptyset(&none);
	return epoll_pwait(epoll, events, most, ms, &none);
}

static int with_timespec(int epoll, struct epoll_event *events, int most, int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	return epoll_pwait2(epoll, events, most, &time, NULL);
}

/* The events of one wait for the queue alone. */
static uint32_t told(wait_form *form, int epoll, int ms)
{
	struct epoll_event seen = { 0 };
	int count = form(epoll, &seen, 1, ms);
	CHECK_OK(count);
	return count == 1 ? seen.events : 0;
}

static void tells_of_messages(wait_form *form)
{
	queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(EPOLLIN);
	CHECK_EQ(told(form, epoll, 0), 0);
	for (int round = 0; round < ROUNDS; round++) {
		queue_put(queue, "news", 0);
		CHECK_EQ(told(form, epoll, BOUND), EPOLLIN);
		read_around(8);
		CHECK_EQ(told(form, epoll, BOUND), EPOLLIN);
		read_around(8);
		CHECK_EQ(told(form, epoll, 0), EPOLLIN);
		queue_expect(queue, "news", 0);
		CHECK_EQ(told(form, epoll, 0), 0);
	}
}

CASE(mq_epoll_wait_tells_of_messages_after_a_read_around_the_library)
{
	tells_of_messages(epoll_wait);
}

CASE(mq_epoll_pwait_tells_of_messages_after_a_read_around_the_library)
{
	tells_of_messages(with_mask);
}

CASE(mq_epoll_pwait2_tells_of_messages_after_a_read_around_the_library)
{
	if (!epoll_pwait2)
		CHECK_SKIP("this C library has no epoll_pwait2");
	struct epoll_event seen;
	if (epoll_pwait2(-1, &seen, 1, NULL, NULL) == -1 && errno == ENOSYS)
		CHECK_SKIP("this kernel has no epoll_pwait2");
	tells_of_messages(with_timespec);
}

CASE(mq_epoll_tells_of_a_full_queue_after_a_read_around_the_library)
{
	queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(EPOLLIN | EPOLLOUT);
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_EQ(told(epoll_wait, epoll, BOUND), EPOLLOUT);
		queue_fill(queue);
		CHECK_EQ(told(epoll_wait, epoll, BOUND), EPOLLIN);
		read_around(round % 2 ? 1 : 64);
		CHECK_EQ(told(epoll_wait, epoll, BOUND), EPOLLIN);
		for (int left = SMALL_DEPTH; left > 0; left--)
			queue_expect(queue, "filler", 1);
	}
}

CASE(mq_epoll_tells_of_messages_beside_what_is_always_there)
{
	queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(EPOLLIN), ends[2];
	struct epoll_event seen[3], other = { .events = EPOLLIN, .data.u64 = 8 };
	CHECK_OK(pipe(ends));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &other));
	queue_put(queue, "news", 0);
	CHECK_EQ(epoll_wait(epoll, seen, 3, BOUND), 2);
	for (int round = 0; round < ROUNDS; round++) {
		read_around(8);
		bool is_told = false;
		/* One wait may tell of the other descriptor alone. */
		for (int wait = 0; wait < 2; wait++)
			for (int i = epoll_wait(epoll, seen, 3, BOUND); i > 0; i--)
				is_told |= seen[i - 1].data.u64 == 7;
		CHECK(is_told);
	}
}

CASE(mq_epoll_that_waits_for_other_events_now_tells_of_these_after_a_read_around_the_library)
{
	queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(EPOLLIN);
	struct epoll_event want = { .events = EPOLLOUT, .data.u64 = 9 };
	queue_fill(queue);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_MOD, queue, &want));
	CHECK_EQ(told(epoll_wait, epoll, 0), 0);
	read_around(64);
	CHECK_EQ(told(epoll_wait, epoll, 0), 0);
	want.events = EPOLLIN;
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_MOD, queue, &want));
	read_around(64);
	CHECK_EQ(told(epoll_wait, epoll, BOUND), EPOLLIN);
}

CASE(mq_two_epolls_tell_of_messages_after_a_read_around_the_library)
{
	queue = queue_small(O_NONBLOCK);
	int first = epoll_of(EPOLLIN), second = epoll_of(EPOLLIN);
	queue_put(queue, "news", 0);
	for (int round = 0; round < ROUNDS; round++) {
		read_around(8);
		CHECK_EQ(told(epoll_wait, first, BOUND), EPOLLIN);
		read_around(8);
		CHECK_EQ(told(epoll_wait, second, BOUND), EPOLLIN);
	}
}

/* Armed anew, it tells what is there. */
CASE(mq_epoll_oneshot_tells_of_messages_after_a_read_around_the_library)
{
	queue = queue_small(O_NONBLOCK);
	int epoll = epoll_of(EPOLLIN | EPOLLONESHOT);
	queue_put(queue, "news", 0);
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_EQ(told(epoll_wait, epoll, BOUND), EPOLLIN);
		CHECK_EQ(told(epoll_wait, epoll, 0), 0);
		read_around(8);
		struct epoll_event want = { .events = EPOLLIN | EPOLLONESHOT };
		CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_MOD, queue, &want));
	}
}
