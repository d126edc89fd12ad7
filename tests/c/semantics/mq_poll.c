/* A descriptor of a queue in poll, select and epoll: readable while there is a message, writable while
 * there is room, in this process and in others.
 */
#include "../support/queue.h"

#include <sys/epoll.h>
#include <sys/select.h>

static short events_now(mqd_t queue)
{
	struct pollfd fd = { queue, POLLIN | POLLOUT, 0 };
	CHECK_OK(poll(&fd, 1, 0));
	return fd.revents;
}

/* Waits for the events, however long it takes to hear of them. */
static void becomes(mqd_t queue, short events)
{
	while (events_now(queue) != events)
		pause_ms(1);
}

static char got[SMALL_SIZE];

static void take(mqd_t queue)
{
	CHECK_OK(mq_receive(queue, got, sizeof got, NULL));
}

CASE(mq_poll_of_an_empty_queue_is_writable)
{
	CHECK_EQ(events_now(queue_small(0)), POLLOUT);
}

CASE(mq_poll_of_a_queue_with_messages_and_room_is_both)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "one", 0);
	CHECK_EQ(events_now(queue), POLLIN | POLLOUT);
}

CASE(mq_poll_of_a_full_queue_is_readable)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	CHECK_EQ(events_now(queue), POLLIN);
}

CASE(mq_poll_follows_every_step)
{
	mqd_t queue = queue_small(0);
	for (int round = 0; round < 20; round++) {
		CHECK_EQ(events_now(queue), POLLOUT);
		for (int i = 1; i < SMALL_DEPTH; i++) {
			queue_put(queue, "one", 0);
			CHECK_EQ(events_now(queue), POLLIN | POLLOUT);
		}
		queue_put(queue, "last", 0);
		CHECK_EQ(events_now(queue), POLLIN);
		for (int i = 1; i < SMALL_DEPTH; i++) {
			take(queue);
			CHECK_EQ(events_now(queue), POLLIN | POLLOUT);
		}
		take(queue);
	}
}

CASE(mq_poll_of_a_queue_of_one_message_is_either)
{
	mqd_t queue = queue_create(0, O_RDWR, 1, SMALL_SIZE);
	for (int round = 0; round < 5; round++) {
		CHECK_EQ(events_now(queue), POLLOUT);
		queue_put(queue, "full", 0);
		CHECK_EQ(events_now(queue), POLLIN);
		take(queue);
	}
}

CASE(mq_poll_sees_the_same_through_every_descriptor)
{
	mqd_t queue = queue_small(0);
	mqd_t reader = queue_again(0, O_RDONLY), writer = queue_again(0, O_WRONLY);
	CHECK_EQ(events_now(reader), POLLOUT);
	queue_put(writer, "one", 0);
	CHECK_EQ(events_now(queue), POLLIN | POLLOUT);
	CHECK_EQ(events_now(reader), POLLIN | POLLOUT);
	CHECK_EQ(events_now(writer), POLLIN | POLLOUT);
	queue_fill(queue);
	CHECK_EQ(events_now(writer), POLLIN);
}

CASE(mq_poll_of_a_duplicate)
{
	mqd_t queue = queue_small(0);
	int copy = dup(queue);
	CHECK_EQ(events_now(copy), POLLOUT);
	queue_put(queue, "one", 0);
	CHECK_EQ(events_now(copy), POLLIN | POLLOUT);
}

CASE(mq_poll_of_a_closed_descriptor_is_pollnval)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_EQ(events_now(queue), POLLNVAL);
}

CASE(mq_poll_gives_up_at_its_timeout)
{
	mqd_t queue = queue_small(0);
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 30), 0);
	queue_fill(queue);
	fd.events = POLLOUT;
	CHECK_EQ(poll(&fd, 1, 30), 0);
}

CASE(mq_poll_sees_messages_older_than_the_first_poll)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "one", 0);
	pid_t child = check_fork();
	if (child == 0) {
		mqd_t own = queue_again(0, O_RDONLY);
		CHECK_EQ(events_now(own), POLLIN | POLLOUT);
		_exit(0);
	}
	check_child(child);
}

CASE(mq_poll_sees_the_changes_of_another_process)
{
	mqd_t queue = queue_small(0);
	CHECK_EQ(events_now(queue), POLLOUT);
	pid_t child = check_fork();
	if (child == 0) {
		queue_fill(queue_again(0, O_RDWR));
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(events_now(queue), POLLIN);
	child = check_fork();
	if (child == 0) {
		mqd_t own = queue_again(0, O_RDWR);
		for (int i = 0; i < SMALL_DEPTH; i++)
			take(own);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(events_now(queue), POLLOUT);
}

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
	CHECK_EQ(select(queue + 1, event == POLLIN ? &set : NULL, event == POLLOUT ? &set : NULL, NULL,
			&(struct timeval){ 15, 0 }), 1);
	CHECK(FD_ISSET(queue, &set));
}

static void by_pselect(mqd_t queue, short event)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(queue, &set);
	CHECK_EQ(pselect(queue + 1, event == POLLIN ? &set : NULL, event == POLLOUT ? &set : NULL, NULL,
			 NULL, NULL), 1);
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
				take(queue);
			pid_t child = check_fork();
			if (child == 0) {
				wait(inherited ? queue : queue_again(0, in ? O_RDONLY : O_WRONLY), events[i]);
				_exit(0);
			}
			if (before) {
				queue_await_asleep(child);
				if (in)
					queue_put(queue, "one", 0);
				else
					take(queue);
			}
			check_child(child);
		}
		while (queue_count(queue))
			take(queue);
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

CASE(mq_select_tells_all_three_states)
{
	mqd_t queue = queue_small(0);
	for (int messages = 0; messages <= SMALL_DEPTH; messages++) {
		fd_set in, out;
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_SET(queue, &in);
		FD_SET(queue, &out);
		CHECK_OK(select(queue + 1, &in, &out, NULL, &(struct timeval){ 0, 0 }));
		CHECK_EQ(FD_ISSET(queue, &in) != 0, messages > 0);
		CHECK_EQ(FD_ISSET(queue, &out) != 0, messages < SMALL_DEPTH);
		if (messages < SMALL_DEPTH)
			queue_put(queue, "more", 0);
	}
}

CASE(mq_epoll_tells_a_level_again_and_again)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLIN }, seen;
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
	queue_put(queue, "one", 0);
	queue_put(queue, "two", 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
	take(queue);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
	take(queue);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
}

CASE(mq_epoll_tells_an_edge_once)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLIN | EPOLLET }, seen;
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	for (int i = 0; i < 5; i++) {
		queue_put(queue, "edge", 0);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 20), 0);
		take(queue);
	}
}

CASE(mq_epoll_tells_the_edge_of_room_once)
{
	mqd_t queue = queue_small(0);
	struct epoll_event want = { .events = EPOLLOUT | EPOLLET }, seen;
	int epoll = epoll_create1(0);
	queue_fill(queue);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &want));
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
	for (int i = 0; i < 5; i++) {
		take(queue);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 15000), 1);
		CHECK_EQ(epoll_wait(epoll, &seen, 1, 20), 0);
		queue_fill(queue);
	}
}

CASE(mq_poll_of_two_queues_and_a_pipe)
{
	mqd_t one = queue_small(0);
	mqd_t two = queue_create(1, O_RDWR, 2, 16);
	int ends[2];
	CHECK_OK(pipe(ends));
	struct pollfd fds[] = { { one, POLLIN, 0 }, { ends[0], POLLIN, 0 }, { two, POLLIN, 0 } };
	CHECK_EQ(poll(fds, 3, 0), 0);
	queue_put(two, "x", 0);
	CHECK_EQ(poll(fds, 3, 15000), 1);
	CHECK_EQ(fds[2].revents, POLLIN);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(poll(fds, 3, 15000), 2);
	CHECK_EQ(fds[1].revents, POLLIN);
	CHECK_EQ(fds[0].revents, 0);
}

CASE(mq_poll_of_an_unlinked_queue)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_EQ(events_now(queue), POLLOUT);
	queue_put(queue, "one", 0);
	CHECK_EQ(events_now(queue), POLLIN | POLLOUT);
}

CASE(mq_poll_wakes_all_who_poll)
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
		CHECK_EQ(events_now(queue), POLLIN | POLLOUT);
		take(queue);
		CHECK_EQ(events_now(queue), POLLOUT);
	}
}

CASE(mq_poll_is_true_at_rest_after_a_storm)
{
	/* Two processes send and receive at full speed; when they rest, poll tells what there is. */
	mqd_t queue = queue_small(O_NONBLOCK);
	for (int round = 0; round < 5; round++) {
		pid_t children[2];
		CHECK_OK(events_now(queue));
		for (int i = 0; i < 2; i++) {
			children[i] = check_fork();
			for (int n = 0; children[i] == 0 && n < 5000; n++) {
				if (i == 0)
					mq_send(queue, "storm", 5, 0);
				else
					mq_receive(queue, got, sizeof got, NULL);
			}
			if (children[i] == 0)
				_exit(0);
		}
		check_child(children[0]);
		check_child(children[1]);
		long count = queue_count(queue);
		becomes(queue, (short)((count > 0 ? POLLIN : 0) | (count < SMALL_DEPTH ? POLLOUT : 0)));
		while (queue_count(queue))
			take(queue);
		becomes(queue, POLLOUT);
	}
}
