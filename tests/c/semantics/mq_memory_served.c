/* The caller's memory may be pages that a thread of the program serves by userfaultfd(2). */
#include "../support/queue.h"
#include "../support/served.h"

static void receive_into_served_pages(int writes)
{
	start_serving(writes);
	mqd_t queue = queue_small(0);
	char *got = served_page();
	unsigned *priority = (unsigned *)(void *)served_page();
	struct mq_attr *attr = (struct mq_attr *)(void *)served_page();
	queue_put(queue, "served", 3);
	CHECK_OK(mq_getattr(queue, attr));
	CHECK_EQ(attr->mq_curmsgs, 1);
	CHECK_EQ(mq_receive(queue, got, SMALL_SIZE, priority), 6);
	CHECK_EQ(memcmp(got, "served", 6), 0);
	CHECK_EQ(*priority, 3);
	CHECK(was_served(3));
}

CASE(mq_receives_into_missing_pages_that_a_thread_serves)
{
	receive_into_served_pages(0);
}

CASE(mq_receives_into_pages_whose_writes_a_thread_serves)
{
	receive_into_served_pages(1);
}

CASE(mq_sends_from_a_missing_page_that_a_thread_serves)
{
	start_serving(0);
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_send(queue, served_page(), 1, 5));
	queue_expect(queue, "", 5);
	CHECK(was_served(1));
}
