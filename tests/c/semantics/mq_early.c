/* A signal that comes as a call begins that waits in a queue ends it like one that comes later. */
#include "../support/queue.h"
#include "../support/early.h"

static mqd_t queue;

static void sends(void)
{
	CHECK_OK(mq_send(queue, "x", 1, 0));
}

static void receives(void)
{
	char got[SMALL_SIZE];
	CHECK_OK(mq_receive(queue, got, sizeof got, NULL));
}

static int waits_to_receive(void)
{
	char got[SMALL_SIZE];
	return mq_receive(queue, got, sizeof got, NULL) == -1 ? -1 : 0;
}

static int waits_to_receive_in_time(void)
{
	char got[SMALL_SIZE];
	struct timespec until = deadline_ms(300000);
	return mq_timedreceive(queue, got, sizeof got, NULL, &until) == -1 ? -1 : 0;
}

static int waits_to_send(void)
{
	return mq_send(queue, "x", 1, 0);
}

static int waits_to_send_in_time(void)
{
	struct timespec until = deadline_ms(300000);
	return mq_timedsend(queue, "x", 1, 0, &until);
}

static void strike_receives(int (*wait)(void), int flags)
{
	queue = queue_create(0, O_RDWR, 1, SMALL_SIZE);
	strike_early(&(struct early){ wait, sends, SA_RESTART }, flags);
}

static void strike_sends(int (*wait)(void), int flags)
{
	queue = queue_create(0, O_RDWR, 1, SMALL_SIZE);
	sends();
	strike_early(&(struct early){ wait, receives, SA_RESTART }, flags);
}

CASE(mq_receive_ends_with_a_signal_as_it_begins)
{
	strike_receives(waits_to_receive, 0);
}

CASE(mq_receive_goes_on_after_a_signal_with_sa_restart_as_it_begins)
{
	strike_receives(waits_to_receive, SA_RESTART);
}

CASE(mq_timedreceive_ends_with_a_signal_as_it_begins)
{
	strike_receives(waits_to_receive_in_time, 0);
}

CASE(mq_send_ends_with_a_signal_as_it_begins)
{
	strike_sends(waits_to_send, 0);
}

CASE(mq_send_goes_on_after_a_signal_with_sa_restart_as_it_begins)
{
	strike_sends(waits_to_send, SA_RESTART);
}

CASE(mq_timedsend_ends_with_a_signal_as_it_begins)
{
	strike_sends(waits_to_send_in_time, 0);
}
