/* A handler forks at any time, also in calls that open, close and register: parent and child go
 * on. */
#include "../support/forking.h"
#include "../support/queue.h"

static mqd_t of_parent;

static void open_use_and_close(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	char got[16];
	mqd_t queue = queue_create(1, O_RDWR, 2, sizeof got);
	CHECK_OK(mq_notify(queue, &event));
	CHECK_OK(mq_send(queue, "x", 1, 0));
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 1);
	CHECK_EQ(queue_events(queue), POLLOUT);
	int copy = dup(queue);
	CHECK_OK(mq_close(queue));
	CHECK_OK(mq_setattr(copy, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	CHECK_OK(close(copy));
	CHECK_OK(mq_unlink(queue_name(1)));
}

static void pair_with_parent(void)
{
	char got[SMALL_SIZE];
	CHECK_OK(mq_send(of_parent, "child", 5, 0));
	CHECK_EQ(mq_receive(of_parent, got, sizeof got, NULL), 5);
}

CASE(mq_calls_go_on_when_handlers_fork)
{
	of_parent = queue_small(O_NONBLOCK);
	with_forks_in(open_use_and_close, pair_with_parent);
	CHECK_EQ(queue_count(of_parent), 0);
	CHECK_EQ(queue_events(of_parent), POLLOUT);
}
