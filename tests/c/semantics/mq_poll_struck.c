/* A signal that comes as a call begins that waits for events of a queue ends it like one that comes
 * later, whether it is to restart calls or not. */
#include "../support/queue.h"
#include "../support/early.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

static mqd_t queue;
static int epoll;

static void sends(void)
{
	CHECK_OK(mq_send(queue, "x", 1, 0));
}

/* A call that has told of the message: it is received. */
static int done(int ready)
{
	char got[SMALL_SIZE];
	if (ready == -1)
		return -1;
	CHECK_EQ(ready, 1);
	CHECK_OK(mq_receive(queue, got, sizeof got, NULL));
	return 0;
}

static int polls(void)
{
	return done(poll(&(struct pollfd){ queue, POLLIN, 0 }, 1, -1));
}

static int ppolls(void)
{
	struct timespec long_time = { .tv_sec = 300 };
	return done(ppoll(&(struct pollfd){ queue, POLLIN, 0 }, 1, &long_time, NULL));
}

static int selects(void)
{
	fd_set in;
	FD_ZERO(&in);
	FD_SET(queue, &in);
	int ready = select(queue + 1, &in, NULL, NULL, NULL);
	/* It stays as it was if the call fails. */
	CHECK(FD_ISSET(queue, &in));
	return done(ready);
}

static int pselects(void)
{
	fd_set in;
	struct timespec long_time = { .tv_sec = 300 };
	FD_ZERO(&in);
	FD_SET(queue, &in);
	int ready = pselect(queue + 1, &in, NULL, NULL, &long_time, NULL);
	CHECK(FD_ISSET(queue, &in));
	return done(ready);
}

static int waits_for_epoll(void)
{
	struct epoll_event event;
	return done(epoll_wait(epoll, &event, 1, -1));
}

static int waits_for_epoll_with_mask(void)
{
	struct epoll_event event;
	return done(epoll_pwait(epoll, &event, 1, 300000, NULL));
}

static int polls_epoll(void)
{
	return done(poll(&(struct pollfd){ epoll, POLLIN, 0 }, 1, -1));
}

static void strike_polls(int (*wait)(void), int flags)
{
	queue = queue_create(0, O_RDWR, 1, SMALL_SIZE);
	epoll = epoll_create1(0);
	CHECK(epoll >= 0);
	if (wait == waits_for_epoll || wait == waits_for_epoll_with_mask || wait == polls_epoll)
		CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue,
				   &(struct epoll_event){ .events = EPOLLIN }));
	strike_early(&(struct early){ wait, sends, 0 }, flags);
}

CASE(mq_poll_ends_with_a_signal_as_it_begins)
{
	strike_polls(polls, 0);
}

CASE(mq_poll_ends_with_a_signal_with_sa_restart_as_it_begins)
{
	strike_polls(polls, SA_RESTART);
}

CASE(mq_ppoll_ends_with_a_signal_as_it_begins)
{
	strike_polls(ppolls, 0);
}

CASE(mq_select_ends_with_a_signal_as_it_begins)
{
	strike_polls(selects, 0);
}

CASE(mq_pselect_ends_with_a_signal_as_it_begins)
{
	strike_polls(pselects, 0);
}

CASE(mq_epoll_wait_ends_with_a_signal_as_it_begins)
{
	strike_polls(waits_for_epoll, 0);
}

CASE(mq_epoll_pwait_ends_with_a_signal_as_it_begins)
{
	strike_polls(waits_for_epoll_with_mask, SA_RESTART);
}

CASE(mq_poll_of_an_epoll_ends_with_a_signal_as_it_begins)
{
	strike_polls(polls_epoll, 0);
}
