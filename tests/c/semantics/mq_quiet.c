/* What no process waits for costs no system call, whatever has happened to the queue before. */
#include "../support/notify.h"
#include "../support/quiet.h"

#include <sys/epoll.h>

#define REASON "each operation on the kernel's queues is a system call"

enum { PAIRS = 1000 };

static mqd_t queue, other;

static char got[SMALL_SIZE];

static void pair(mqd_t on)
{
	if (mq_send(on, "message", 7, 3) != 0 || mq_receive(on, got, sizeof got, NULL) != 7)
		check_fail(__FILE__, __LINE__, "a message went astray: %s", strerror(errno));
}

static void pairs(void)
{
	for (int i = 0; i < PAIRS; i++)
		pair(queue);
}

/* A thread's first operation has to ask the kernel for its TID. Not on the queue that is looked
 * at. */
static void pair_elsewhere(void)
{
	pair(other);
}

static long first_call(void (*body)(void))
{
	long call = quiet_first_call(pair_elsewhere, body);
	if (call == QUIET_REFUSED)
		CHECK_SKIP("seccomp is refused");
	/* What it left when it was ended. */
	while (queue_count(queue))
		queue_take(queue);
	return call;
}

/* `depth` messages, and another queue. */
static void open_queues(long depth)
{
	other = queue_create(1, O_RDWR, 1, SMALL_SIZE);
	queue = queue_create(0, O_RDWR, depth, SMALL_SIZE);
}

CASE_BETTER(mq_pair_makes_no_system_call, REASON)
{
	open_queues(10);
	CHECK_EQ(first_call(pairs), QUIET);
}

CASE_BETTER(mq_pair_makes_no_system_call_with_a_place_for_one, REASON)
{
	open_queues(1);
	CHECK_EQ(first_call(pairs), QUIET);
}

CASE_BETTER(mq_pair_makes_no_system_call_with_1000_places, REASON)
{
	open_queues(1000);
	for (int i = 0; i < 700; i++)
		queue_put(queue, "filler", 3);
	for (int i = 0; i < 100; i++)
		queue_take(queue);
	queue_put(queue, "message", 3);
	while (queue_count(queue) > 1)
		queue_take(queue);
	CHECK_EQ(first_call(pairs), QUIET);
}

/* From empty to full and back. */
static void tides(void)
{
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < SMALL_DEPTH; i++)
			CHECK_OK(mq_send(queue, "filler", 6, (unsigned)i));
		for (int i = 0; i < SMALL_DEPTH; i++)
			CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 6);
	}
}

CASE_BETTER(mq_changes_of_state_make_no_system_call_while_no_process_polls, REASON)
{
	open_queues(SMALL_DEPTH);
	CHECK_EQ(first_call(tides), QUIET);
}

static void kill_at_once(pid_t *children, int count)
{
	for (int i = 0; i < count; i++)
		queue_await_asleep(children[i]);
	for (int i = 0; i < count; i++)
		queue_kill_child(children[i]);
}

enum { KILLED = 10 };

CASE_BETTER(mq_pair_makes_no_system_call_after_sleepers_were_killed, REASON)
{
	pid_t children[KILLED];
	open_queues(SMALL_DEPTH);
	for (int i = 0; i < KILLED; i++)
		if ((children[i] = check_fork()) == 0)
			queue_take(queue);
	kill_at_once(children, KILLED);
	queue_fill(queue);
	for (int i = 0; i < KILLED; i++)
		if ((children[i] = check_fork()) == 0)
			queue_put(queue, "never", 1);
	kill_at_once(children, KILLED);
	while (queue_count(queue))
		queue_take(queue);
	/* The first ones may try to wake a waiter, in vain. */
	pair(queue);
	CHECK_EQ(first_call(pairs), QUIET);
}

CASE_BETTER(mq_pair_makes_no_system_call_after_workers_were_killed, REASON)
{
	open_queues(SMALL_DEPTH);
	for (int round = 0; round < 100; round++) {
		pid_t child = check_fork();
		while (child == 0) {
			CHECK_OK(mq_send(queue, "by the dead", 11, 3));
			CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 11);
		}
		pause_ms(round % 4);
		queue_kill_child(child);
		while (queue_count(queue))
			queue_take(queue);
	}
	pair(queue);
	CHECK_EQ(first_call(pairs), QUIET);
}

CASE_BETTER(mq_pair_makes_no_system_call_after_the_registered_process_was_killed, REASON)
{
	open_queues(SMALL_DEPTH);
	notes_are_waited_for();
	atomic_int *registered = shared_memory(sizeof *registered);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		atomic_store(registered, 1);
		for (;;)
			pause_ms(1000);
	}
	CHECK_SOON(atomic_load(registered));
	queue_kill_child(child);
	pair(queue);
	CHECK_EQ(first_call(pairs), QUIET);
}

/* A child that polls, in its way, until it is killed. It has opened the queue itself: what it had
 * from us would count as polled as long as we have it, too. */
static pid_t poller(bool by_epoll)
{
	pid_t child = check_fork();
	if (child == 0)
		queue = queue_again(0, O_RDWR);
	if (child == 0 && by_epoll) {
		struct epoll_event event = { .events = EPOLLPRI };
		int epoll = epoll_create1(0);
		CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
		CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 0);
	} else if (child == 0) {
		struct pollfd fd = { queue, POLLPRI, 0 };
		CHECK_EQ(poll(&fd, 1, -1), 0);
	}
	queue_await_asleep(child);
	return child;
}

/* A process that changes the queue looks now and then whether one still polls. */
static bool is_quiet_again(void)
{
	for (int i = 0; i < 100; i++)
		pair(queue);
	return first_call(pairs) == QUIET;
}

static void quiet_when_the_poller_is_dead(bool by_epoll)
{
	open_queues(SMALL_DEPTH);
	CHECK_EQ(first_call(pairs), QUIET);
	pid_t child = poller(by_epoll);
	CHECK(!is_quiet_again());
	queue_kill_child(child);
	CHECK_SOON(is_quiet_again());
}

CASE_BETTER(mq_pair_makes_no_system_call_once_a_poller_was_killed, REASON)
{
	quiet_when_the_poller_is_dead(false);
}

CASE_BETTER(mq_pair_makes_no_system_call_once_a_process_with_an_epoll_was_killed, REASON)
{
	quiet_when_the_poller_is_dead(true);
}

CASE_BETTER(mq_pair_makes_no_system_call_after_a_poll_that_does_not_wait, REASON)
{
	open_queues(SMALL_DEPTH);
	CHECK_EQ(first_call(pairs), QUIET);
	CHECK_EQ(queue_events(queue), POLLOUT);
	CHECK_EQ(first_call(pairs), QUIET);
}

CASE_BETTER(mq_pair_makes_no_system_call_once_the_polled_descriptor_is_closed, REASON)
{
	open_queues(SMALL_DEPTH);
	mqd_t polled = queue_again(0, O_RDWR);
	struct pollfd fd = { polled, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 1), 0);
	CHECK(!is_quiet_again());
	CHECK_OK(mq_close(polled));
	CHECK_SOON(is_quiet_again());
}
