/* A signal that comes as a msgrcv or msgsnd begins that must wait ends it like one that comes
 * later. */
#include "../support/sysv_msg.h"
#include "../support/early.h"

static int queue;

static int waits_to_receive(void)
{
	struct message got;
	return msgrcv(queue, &got, BODY, 1, 0) == -1 ? -1 : 0;
}

static void sends(void)
{
	PUT(queue, 1, "x");
}

static int waits_to_send(void)
{
	return send_text(queue, 1, "x", 0);
}

static void receives(void)
{
	struct message got;
	CHECK_OK(msgrcv(queue, &got, BODY, 1, IPC_NOWAIT));
}

CASE(msgrcv_ends_with_a_signal_as_it_begins)
{
	queue = new_queue();
	strike_early(&(struct early){ waits_to_receive, sends, 0 }, SA_RESTART);
}

CASE(msgsnd_ends_with_a_signal_as_it_begins)
{
	queue = new_queue_of(1);
	sends();
	strike_early(&(struct early){ waits_to_send, receives, 0 }, 0);
}
