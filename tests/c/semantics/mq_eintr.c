/* A timer runs out around a second after the call has begun. Whenever that is, the call on a queue
 * ends, and SA_RESTART lets it go on where it does so on plain glibc. */
#include "../support/interrupted.h"

static void ends(const char *kind)
{
	interrupt_around(wait_kind_of(kind), 1, STEPS, 0);
}

static void with_restart(const char *kind)
{
	interrupt_around(wait_kind_of(kind), 1, STEPS, SA_RESTART);
}

CASE(mq_receive_ends_with_a_signal_around_a_second)
{
	ends("mq_receive");
}

CASE(mq_receive_goes_on_after_a_signal_with_sa_restart_around_a_second)
{
	with_restart("mq_receive");
}

CASE(mq_timedreceive_ends_with_a_signal_around_a_second)
{
	ends("mq_timedreceive");
}

CASE(mq_timedreceive_goes_on_after_a_signal_with_sa_restart_around_a_second)
{
	with_restart("mq_timedreceive");
}

CASE(mq_send_ends_with_a_signal_around_a_second)
{
	ends("mq_send");
}

CASE(mq_send_goes_on_after_a_signal_with_sa_restart_around_a_second)
{
	with_restart("mq_send");
}

CASE(mq_timedsend_ends_with_a_signal_around_a_second)
{
	ends("mq_timedsend");
}

CASE(mq_timedsend_goes_on_after_a_signal_with_sa_restart_around_a_second)
{
	with_restart("mq_timedsend");
}
