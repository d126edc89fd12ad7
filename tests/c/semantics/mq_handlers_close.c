/* Handlers with SA_RESTART that change the descriptor of the call that they interrupt: the call is
 * made anew, and finds what there is then. */
#include "../support/strike.h"

enum { NUMBER = 70 };

static void by_close(void)
{
	CHECK_OK(close(queue));
}

static void by_mq_close(void)
{
	CHECK_OK(mq_close(queue));
}

static void by_dup2(void)
{
	CHECK_OK(dup2(2, queue));
}

static void by_close_range(void)
{
	CHECK_OK(close_range((unsigned)queue, (unsigned)queue, 0));
}

static void by_mq_setattr(void)
{
	struct mq_attr attr = { .mq_flags = O_NONBLOCK };
	CHECK_OK(mq_setattr(queue, &attr, NULL));
}

static void by_fcntl(void)
{
	CHECK_OK(fcntl(queue, F_SETFL, O_NONBLOCK));
}

static const struct change {
	void (*change)(void);
	int error;
} changes[] = {
	{ by_close, EBADF },       { by_mq_close, EBADF },    { by_dup2, EBADF },
	{ by_close_range, EBADF }, { by_mq_setattr, EAGAIN }, { by_fcntl, EAGAIN },
};
enum { CHANGES = sizeof changes / sizeof *changes };

static void (*change)(void);

static void change_it(int signal)
{
	(void)signal;
	change();
	atomic_fetch_add(&handled, 1);
}

static int receive_in_time(void)
{
	return receive_before(60000);
}

static int put(void)
{
	return mq_send(queue, "late", 4, 0);
}

static int put_in_time(void)
{
	return send_before(60000);
}

/* Other descriptors of the queue go on. */
static void each_change_ends(int (*call)(void), bool fills)
{
	for (int i = 0; i < CHANGES; i++) {
		mqd_t spare = queue_small(0);
		queue = mq_open(queue_name(0), O_RDWR);
		CHECK_OK(queue);
		if (fills)
			queue_fill(spare);
		change = changes[i].change;
		handle(SA_RESTART, change_it);
		atomic_store(&handled, 0);
		pthread_t striker = strike_when_asleep(NULL);
		CHECK_FAILS(call(), changes[i].error);
		CHECK_EQ(pthread_join(striker, NULL), 0);
		CHECK_EQ(queue_count(spare), fills ? SMALL_DEPTH : 0);
		if (fills)
			queue_take(spare);
		CHECK_OK(mq_send(spare, "next", 4, 2));
		queue_expect(spare, "next", 2);
		CHECK_OK(mq_close(spare));
		close(queue);
		CHECK_OK(mq_unlink(queue_name(0)));
	}
}

CASE(mq_receive_whose_descriptor_a_handler_changes_sees_that)
{
	each_change_ends(receive, false);
}

CASE(mq_timedreceive_whose_descriptor_a_handler_changes_sees_that)
{
	each_change_ends(receive_in_time, false);
}

CASE(mq_send_whose_descriptor_a_handler_changes_sees_that)
{
	each_change_ends(put, true);
}

CASE(mq_timedsend_whose_descriptor_a_handler_changes_sees_that)
{
	each_change_ends(put_in_time, true);
}

static void change_duplicate(void)
{
	CHECK_OK(dup2(queue, NUMBER));
	CHECK_OK(close(NUMBER));
	CHECK_OK(mq_send(queue, "wake", 4, 0));
}

CASE(mq_receive_goes_on_where_a_handler_closes_a_duplicate)
{
	queue = queue_small(0);
	change = change_duplicate;
	handle(SA_RESTART, change_it);
	strike_when_asleep(NULL);
	CHECK_EQ(receive(), 4);
}
