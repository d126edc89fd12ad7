/* What poll and select say of a queue: readable while there is a message, writable while there is
 * space. */
#include "../support/queue.h"

#include <sys/select.h>

CASE(mq_poll_of_an_empty_queue_is_writable)
{
	CHECK_EQ(queue_events(queue_small(0)), POLLOUT);
}

CASE(mq_poll_of_a_queue_with_messages_and_space_is_both)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "one", 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
}

CASE(mq_poll_of_a_full_queue_is_readable)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	CHECK_EQ(queue_events(queue), POLLIN);
}

CASE(mq_poll_follows_every_step)
{
	mqd_t queue = queue_small(0);
	for (int round = 0; round < 20; round++) {
		CHECK_EQ(queue_events(queue), POLLOUT);
		for (int i = 1; i < SMALL_DEPTH; i++) {
			queue_put(queue, "one", 0);
			CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
		}
		queue_put(queue, "last", 0);
		CHECK_EQ(queue_events(queue), POLLIN);
		for (int i = 1; i < SMALL_DEPTH; i++) {
			queue_take(queue);
			CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
		}
		queue_take(queue);
	}
}

CASE(mq_poll_follows_every_step_in_a_deep_queue)
{
	long places = queue_deep_places();
	mqd_t queue = queue_create(0, O_RDWR, places, 8);
	for (int round = 0; round < 3; round++) {
		for (long i = 0; i < places; i++) {
			CHECK_EQ(queue_events(queue), i > 0 ? POLLIN | POLLOUT : POLLOUT);
			queue_put(queue, "one", 0);
		}
		CHECK_EQ(queue_events(queue), POLLIN);
		for (long i = places; i > 0; i--) {
			CHECK_EQ(queue_events(queue), i < places ? POLLIN | POLLOUT : POLLIN);
			queue_take(queue);
		}
	}
}

CASE(mq_poll_of_a_queue_of_one_message_is_either)
{
	mqd_t queue = queue_create(0, O_RDWR, 1, SMALL_SIZE);
	for (int round = 0; round < 5; round++) {
		CHECK_EQ(queue_events(queue), POLLOUT);
		queue_put(queue, "full", 0);
		CHECK_EQ(queue_events(queue), POLLIN);
		queue_take(queue);
	}
}

CASE(mq_poll_sees_the_same_through_every_descriptor)
{
	mqd_t queue = queue_small(0);
	mqd_t reader = queue_again(0, O_RDONLY), writer = queue_again(0, O_WRONLY);
	CHECK_EQ(queue_events(reader), POLLOUT);
	queue_put(writer, "one", 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	CHECK_EQ(queue_events(reader), POLLIN | POLLOUT);
	CHECK_EQ(queue_events(writer), POLLIN | POLLOUT);
	queue_fill(queue);
	CHECK_EQ(queue_events(writer), POLLIN);
}

CASE(mq_poll_of_a_duplicate)
{
	mqd_t queue = queue_small(0);
	int copy = dup(queue);
	CHECK_EQ(queue_events(copy), POLLOUT);
	queue_put(queue, "one", 0);
	CHECK_EQ(queue_events(copy), POLLIN | POLLOUT);
}

CASE(mq_poll_of_a_closed_descriptor_is_pollnval)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_EQ(queue_events(queue), POLLNVAL);
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
	CHECK_EQ(queue_events(queue), POLLOUT);
	queue_put(queue, "one", 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
}

CASE(mq_poll_sees_messages_older_than_the_first_poll)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "one", 0);
	pid_t child = check_fork();
	if (child == 0) {
		mqd_t own = queue_again(0, O_RDONLY);
		CHECK_EQ(queue_events(own), POLLIN | POLLOUT);
		_exit(0);
	}
	check_child(child);
}

CASE(mq_poll_sees_the_changes_of_another_process)
{
	mqd_t queue = queue_small(0);
	CHECK_EQ(queue_events(queue), POLLOUT);
	pid_t child = check_fork();
	if (child == 0) {
		queue_fill(queue_again(0, O_RDWR));
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(queue_events(queue), POLLIN);
	child = check_fork();
	if (child == 0) {
		mqd_t own = queue_again(0, O_RDWR);
		for (int i = 0; i < SMALL_DEPTH; i++)
			queue_take(own);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(queue_events(queue), POLLOUT);
}

/* Waits for the events, however long it takes to hear of them. */
static void becomes(mqd_t queue, short events)
{
	while (queue_events(queue) != events)
		pause_ms(1);
}

CASE(mq_poll_is_true_at_rest_after_a_storm)
{
	/* Two processes send and receive at full speed; when they rest, poll tells what
	 * there is. */
	mqd_t queue = queue_small(O_NONBLOCK);
	char got[SMALL_SIZE];
	for (int round = 0; round < 5; round++) {
		pid_t children[2];
		CHECK_OK(queue_events(queue));
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
		becomes(queue,
			(short)((count > 0 ? POLLIN : 0) | (count < SMALL_DEPTH ? POLLOUT : 0)));
		while (queue_count(queue))
			queue_take(queue);
		becomes(queue, POLLOUT);
	}
}
