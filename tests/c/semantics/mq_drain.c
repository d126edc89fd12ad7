/* A process that receives until the queue is empty comes to an end, and so does one that sends
 * until it is full: also where another process on the same processor is always ready to send, or
 * receive, one more message. A call that waited for that process, even for a moment, would always
 * get something. */
#include "../support/step_queue.h"

enum {
	ROUNDS = 20,
	ENOUGH = 2000, /* messages, after which a queue counts as one that is never found empty */
	WAITS = 10000, /* after which it is known whether it pays to wait for a moment */
};

/* A child that changes the queue whenever so many are in it. It yields until then. */
static pid_t start_partner(long messages, void (*change)(void))
{
	pid_t partner = check_fork();
	while (partner == 0) {
		if (queue_count(queue) == messages)
			change();
		sched_yield();
	}
	return partner;
}

/* The results: how often it went well before the call had nothing to do. */
static int drain(mqd_t from)
{
	char got[8];
	int count = 0;
	while (count < ENOUGH && mq_receive(from, got, sizeof got, NULL) == 1)
		count++;
	if (count < ENOUGH)
		CHECK_EQ(errno, EAGAIN);
	return count;
}

static int fill(mqd_t to)
{
	int count = 0;
	while (count < ENOUGH && mq_send(to, "x", 1, 0) == 0)
		count++;
	if (count < ENOUGH)
		CHECK_EQ(errno, EAGAIN);
	return count;
}

static void beside(long messages, void (*change)(void), void (*body)(void))
{
	queue = queue_create(0, O_RDWR, SMALL_DEPTH, 8);
	step_on_one_processor();
	pid_t partner = start_partner(messages, change);
	body();
	queue_kill_child(partner);
}

static void beside_sender(void (*body)(void))
{
	beside(0, send_one, body);
}

static void beside_receiver(void (*body)(void))
{
	beside(SMALL_DEPTH, receive_one, body);
}

/* One that has blocked. */
static mqd_t used_for_waits(int access)
{
	mqd_t used = queue_again(0, access);
	char got[8];
	for (int i = 0; i < WAITS; i++)
		if (access == O_RDONLY)
			CHECK_EQ(mq_receive(used, got, sizeof got, NULL), 1);
		else
			CHECK_OK(mq_send(used, "x", 1, 0));
	return used;
}

/* Each description is a new one. */
static void drain_new_ones(void)
{
	CHECK_OK(mq_close(used_for_waits(O_RDONLY)));
	for (int round = 0; round < ROUNDS; round++) {
		mqd_t out = queue_again(0, O_RDONLY | O_NONBLOCK);
		CHECK(drain(out) < ENOUGH);
		CHECK_OK(mq_close(out));
	}
}

CASE(mq_receives_until_there_is_none_come_to_an_end)
{
	beside_sender(drain_new_ones);
}

static void fill_new_ones(void)
{
	CHECK_OK(mq_close(used_for_waits(O_WRONLY)));
	for (int round = 0; round < ROUNDS; round++) {
		mqd_t in = queue_again(0, O_WRONLY | O_NONBLOCK);
		CHECK(fill(in) < ENOUGH);
		CHECK_OK(mq_close(in));
	}
}

CASE(mq_sends_until_there_is_no_space_come_to_an_end)
{
	beside_receiver(fill_new_ones);
}

static void drain_after_mq_setattr(void)
{
	mqd_t out = used_for_waits(O_RDONLY);
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_OK(mq_setattr(out, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
		CHECK(drain(out) < ENOUGH);
		CHECK_OK(mq_setattr(out, &(struct mq_attr){ 0 }, NULL));
		char got[8];
		CHECK_EQ(mq_receive(out, got, sizeof got, NULL), 1);
	}
}

CASE(mq_receives_until_there_is_none_come_to_an_end_after_mq_setattr)
{
	beside_sender(drain_after_mq_setattr);
}

/* The description is shared: the child sets the flag of both. */
static void drain_after_a_child_set_the_flag(void)
{
	mqd_t out = used_for_waits(O_RDONLY);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(fcntl(out, F_SETFL, O_NONBLOCK));
		_exit(0);
	}
	check_child(child);
	CHECK(drain(out) < ENOUGH);
}

CASE(mq_receives_until_there_is_none_come_to_an_end_after_a_child_set_the_flag)
{
	beside_sender(drain_after_a_child_set_the_flag);
}

/* The loop of a program that polls: it always comes back to poll. */
static void poll_and_drain(void)
{
	CHECK_OK(mq_close(used_for_waits(O_RDONLY)));
	struct pollfd fd = { queue_again(0, O_RDONLY | O_NONBLOCK), POLLIN, 0 };
	for (int round = 0; round < ENOUGH; round++) {
		CHECK_EQ(poll(&fd, 1, -1), 1);
		CHECK(drain(fd.fd) < ENOUGH);
	}
}

CASE(mq_poll_and_receives_until_there_is_none_come_to_an_end)
{
	beside_sender(poll_and_drain);
}
