/* The caller's memory may be pages that a thread of the program serves by userfaultfd(2). */
#include "../support/served.h"
#include "../support/sysv_msg.h"

static void receive_into_a_served_page(int writes)
{
	start_serving(writes);
	struct message sent = { .type = 7, .body = "served" };
	struct message *got = (struct message *)(void *)served_page();
	int queue = new_queue();
	CHECK_OK(msgsnd(queue, &sent, 6, 0));
	CHECK_EQ(msgrcv(queue, got, 64, 0, 0), 6);
	CHECK_EQ(got->type, 7);
	CHECK_EQ(memcmp(got->body, "served", 6), 0);
	CHECK(was_served(1));
}

CASE(msgrcv_into_a_missing_page_that_a_thread_serves)
{
	receive_into_a_served_page(0);
}

CASE(msgrcv_into_a_page_whose_writes_a_thread_serves)
{
	receive_into_a_served_page(1);
}
