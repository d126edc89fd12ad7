/* A process whose heap is used up and cannot grow: each call succeeds, or is ENOMEM, and what the
 * process has goes on. */
#include "../support/heap.h"
#include "../support/queue.h"

static mqd_t queue;

static void open_queues(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = SMALL_SIZE };
	for (int i = 0; i < 100; i++) {
		mqd_t again;
		if (SUCCEEDS(again = mq_open(queue_name(0), O_RDWR)))
			CHECK_OK(mq_close(again));
		if (SUCCEEDS(again = mq_open(queue_name(1), O_RDWR | O_CREAT, 0600, &attributes))) {
			CHECK_OK(mq_close(again));
			CHECK_OK(mq_unlink(queue_name(1)));
		}
	}
	CHECK_OK(mq_send(queue, "a message", 10, 1));
	char body[SMALL_SIZE];
	CHECK_EQ(mq_receive(queue, body, sizeof body, NULL), 10);
	CHECK_OK(mq_close(queue));
}

CASE(mq_open_without_heap_is_enomem_or_succeeds)
{
	queue = queue_small(0);
	(void)queue_name(1);
	without_heap(open_queues);
}

static void ask_for_notes(void)
{
	struct sigevent note = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	for (int i = 0; i < 100; i++)
		if (SUCCEEDS(mq_notify(queue, &note)))
			CHECK_OK(mq_notify(queue, NULL));
}

CASE(mq_notify_without_heap_is_enomem_or_succeeds)
{
	queue = queue_small(0);
	without_heap(ask_for_notes);
}
