/* A queue with all that may hang on it, for children that share the memory of their parent. */
#ifndef SUPPORT_VFORK_H
#define SUPPORT_VFORK_H

#include <sys/epoll.h>
#include "notify.h"

static mqd_t queue, copy, second;
static int epoll, pipes[2];

static inline void in_vfork_child(void (*body)(void))
{
	pid_t child = vfork();
	if (child == 0) {
		body();
		_exit(0);
	}
	CHECK_OK(child);
	check_child(child);
}

/* A queue with a duplicate and a second descriptor. */
static inline void open_all(void)
{
	notes_are_waited_for();
	queue = queue_small(O_NONBLOCK);
	second = queue_again(0, O_RDWR | O_NONBLOCK);
	copy = dup(queue);
	CHECK_OK(copy);
	CHECK_OK(pipe(pipes));
}

/* One descriptor, and no name: the queue can be found by nothing else. */
static inline void open_one(void)
{
	second = copy = queue = queue_small(O_NONBLOCK);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_OK(pipe(pipes));
}

/* The same without its name, and with an epoll that looks at it, and a registration. */
static inline void set_up(void)
{
	open_all();
	CHECK_OK(mq_unlink(queue_name(0)));
	struct epoll_event event = { .events = EPOLLIN };
	epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	CHECK_OK(ask_for_note(queue, 7));
}

static inline void in_another_process(void (*body)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		body();
		_exit(0);
	}
	check_child(child);
}

static inline void finds_it_taken(void)
{
	CHECK_FAILS(ask_for_note(copy, 0), EBUSY);
}

static inline void sends(void)
{
	queue_put(second, "news", 3);
}

static inline void descriptors_go_on(void)
{
	const mqd_t all[] = { queue, copy, second };
	for (int i = 0; i < 3; i++) {
		queue_put(all[i], "more", 0);
		CHECK_EQ(queue_events(all[i]), POLLIN | POLLOUT);
		queue_expect(all[i], "more", 0);
		CHECK(fcntl(all[i], F_GETFL) & O_NONBLOCK);
	}
}

static inline void all_goes_on(void)
{
	struct epoll_event event;
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	in_another_process(finds_it_taken);
	in_another_process(sends);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 15000), 1);
	CHECK_EQ(expect_note().si_value.sival_int, 7);
	queue_expect(queue, "news", 3);
	CHECK_FAILS(mq_receive(queue, (char[SMALL_SIZE]){ 0 }, SMALL_SIZE, NULL), EAGAIN);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	descriptors_go_on();
	CHECK_OK(ask_for_note(queue, 8));
	/* And what the parent closes itself is closed. */
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	CHECK_OK(ask_for_note(second, 9));
}

#endif
