/* A thousand waits of each kind, interrupted around one second, two and three after their
 * beginning. The check of tests/eintr.rs. */
#include "../support/interrupted.h"

enum { AT_ONCE = 125, BATCHES = 8 };

static void sweep(const char *kind)
{
	for (int batch = 0; batch < BATCHES; batch++) {
		int seconds = batch < 4 ? 1 : batch < 6 ? 2 : 3;
		interrupt_around(wait_kind_of(kind), seconds, AT_ONCE, batch % 2 ? SA_RESTART : 0);
	}
}

CASE(sweep_sem_wait)
{
	sweep("sem_wait");
}

CASE(sweep_sem_wait_private)
{
	sweep("sem_wait_private");
}

CASE(sweep_sem_timedwait)
{
	sweep("sem_timedwait");
}

CASE(sweep_sem_timedwait_private)
{
	sweep("sem_timedwait_private");
}

CASE(sweep_sem_clockwait)
{
	sweep("sem_clockwait");
}

CASE(sweep_sem_clockwait_private)
{
	sweep("sem_clockwait_private");
}

CASE(sweep_mq_receive)
{
	sweep("mq_receive");
}

CASE(sweep_mq_timedreceive)
{
	sweep("mq_timedreceive");
}

CASE(sweep_mq_send)
{
	sweep("mq_send");
}

CASE(sweep_mq_timedsend)
{
	sweep("mq_timedsend");
}
