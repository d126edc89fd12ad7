/* Other processes that wait in poll, select and epoll, from before the change or after it. */
#include "../support/queue.h"

#include <sys/epoll.h>
#include <sys/select.h>

/* How to wait for one event on a descriptor of a queue. */
typedef void waiting(mqd_t queue, short event);

static void by_poll(mqd_t queue, short event)
{
	struct pollfd fd = { queue, event, 0 };
	CHECK_EQ(poll(&fd, 1, -1), 1);
	CHECK_EQ(fd.revents, event);
}

static void by_ppoll(mqd_t queue, short event)
{
	struct pollfd fd = { queue, event, 0 };
	CHECK_EQ(ppoll(&fd, 1, &(struct timespec){ 15, 0 }, NULL), 1);
	CHECK_EQ(fd.revents, event);
}

static void by_select(mqd_t queue, short event)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(queue, &set);
	CHECK_EQ(select(queue + 1, event == POLLIN ? &set : NULL, event == POLLOUT ? &set : NULL,
			NULL, &(struct timeval){ 15, 0 }),
		 1);
	CHECK(FD_ISSET(queue, &set));
}

static void by_pselect(mqd_t queue, short event)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(queue, &set);
	CHECK_EQ(pselect(queue + 1, event == POLLIN ? &set : NULL, event == POLLOUT ? &set : NULL,
			 NULL, NULL, NULL),
		 1);
	CHECK(FD_ISSET(queue, &set));
}

static void by_epoll_in_mode(mqd_t queue, short event, uint32_t mode)
{
	struct epoll_event want = { .events = (uint32_t)event | mode, .data.u64 = 99 }, seen;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
	CHECK_EQ(seen.events, event);
	CHECK_EQ(seen.data.u64, 99);
	CHECK_OK(close(epoll));
}

static void by_epoll(mqd_t queue, short event)
{
	by_epoll_in_mode(queue, event, 0);
}

static void by_epoll_edge(mqd_t queue, short event)
{
	by_epoll_in_mode(queue, event, EPOLLET);
}

/* A child waits in both directions: first before the change, then after it. */
static void wakes_another_process(waiting *wait, bool inherited)
{
	mqd_t queue = queue_small(0);
	for (int before = 1; before >= 0; before--) {
		short events[] = { POLLIN, POLLOUT };
		for (int i = 0; i < 2; i++) {
			bool in = events[i] == POLLIN;
			if (!in)
				queue_fill(queue);
			if (!before && in)
				queue_put(queue, "one", 0);
			else if (!before)
				queue_take(queue);
			pid_t child = check_fork();
			if (child == 0) {
				wait(inherited ? queue : queue_again(0, in ? O_RDONLY : O_WRONLY),
				     events[i]);
				_exit(0);
			}
			if (before) {
				queue_await_asleep(child);
				if (in)
					queue_put(queue, "one", 0);
				else
					queue_take(queue);
			}
			check_child(child);
		}
		while (queue_count(queue))
			queue_take(queue);
	}
}

CASE(mq_poll_wakes_another_process)
{
	wakes_another_process(by_poll, false);
}

CASE(mq_poll_wakes_a_child_that_inherited_the_queue)
{
	wakes_another_process(by_poll, true);
}

CASE(mq_ppoll_wakes_another_process)
{
	wakes_another_process(by_ppoll, false);
}

CASE(mq_select_wakes_another_process)
{
	wakes_another_process(by_select, false);
}

CASE(mq_pselect_wakes_another_process)
{
	wakes_another_process(by_pselect, false);
}

CASE(mq_epoll_wakes_another_process)
{
	wakes_another_process(by_epoll, false);
}

CASE(mq_epoll_wakes_a_child_that_inherited_the_queue)
{
	wakes_another_process(by_epoll, true);
}

CASE(mq_epoll_on_edges_wakes_another_process)
{
	wakes_another_process(by_epoll_edge, false);
}

CASE(mq_poll_wakes_all_pollers)
{
	mqd_t queue = queue_small(0);
	pid_t pollers[4];
	for (int i = 0; i < 4; i++) {
		pollers[i] = check_fork();
		if (pollers[i] == 0) {
			by_poll(queue_again(0, O_RDONLY), POLLIN);
			_exit(0);
		}
		queue_await_asleep(pollers[i]);
	}
	queue_put(queue, "for all to see", 0);
	for (int i = 0; i < 4; i++)
		check_child(pollers[i]);
	CHECK_EQ(queue_count(queue), 1);
}

CASE(mq_poll_goes_on_after_a_poller_was_killed)
{
	mqd_t queue = queue_small(0);
	for (int i = 0; i < 10; i++) {
		pid_t child = check_fork();
		if (child == 0) {
			by_poll(queue_again(0, O_RDONLY), POLLIN);
			_exit(1);
		}
		queue_await_asleep(child);
		queue_kill_child(child);
		queue_put(queue, "still works", 0);
		CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
		queue_take(queue);
		CHECK_EQ(queue_events(queue), POLLOUT);
	}
}

CASE(mq_poll_wakes_for_the_message_of_a_sender_that_was_killed)
{
	/* Killed at any step: either the message is not there, or a poller hears of it. */
	mqd_t queue = queue_small(0);
	atomic_int *go = shared_memory(sizeof *go);
	for (int round = 0; round < 200; round++) {
		pid_t poller = check_fork();
		if (poller == 0) {
			by_poll(queue, POLLIN);
			_exit(0);
		}
		queue_await_asleep(poller);
		if (!queue_gets_message_of_killed(queue, go, round % 50 * 1000))
			queue_put(queue, "from the living", 0);
		CHECK_SOON(waitpid(poller, NULL, WNOHANG) == poller);
		queue_take(queue);
		CHECK_EQ(queue_count(queue), 0);
	}
}
