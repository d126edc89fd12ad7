/* At any instruction of msgrcv a handler takes the message that it looks at, and another one comes
 * in its place. */
#include "../support/struck.h"
#include "../support/sysv_msg.h"

static int queue, elsewhere;

/* Where the message of the victim goes, and how long its body is. */
static struct message got;
static ssize_t length;

static bool is_four(const struct message *message, ssize_t bytes)
{
	return bytes == 4 && message->type == 4 && memcmp(message->body, "four", 4) == 0;
}

/* The victim may have it in hand. */
static void replaces(int signal)
{
	struct message taken;
	int error = errno;
	(void)signal;
	ssize_t bytes = msgrcv(queue, &taken, BODY, 4, IPC_NOWAIT);
	if (bytes != -1) {
		CHECK(is_four(&taken, bytes));
		struck->noted = 1;
	}
	PUT(queue, 5, "fives");
	struck_add(&struck->handled);
	errno = error;
}

static void rehearse(void)
{
	PUT(elsewhere, 4, "four");
	GET(elsewhere, 4, 0, 4, "four");
	GET_NONE(elsewhere, 4, 0);
	PUT(elsewhere, 5, "fives");
	struck_by(replaces, SA_RESTART);
}

static void call_receives(void)
{
	length = msgrcv(queue, &got, BODY, 4, IPC_NOWAIT);
	struck_returned(length != -1);
	CHECK(length == -1 || is_four(&got, length));
}

static int trial(int steps)
{
	enum { STRIDE = 3 };
	step_on_one_processor();
	struck_prepare();
	queue = new_queue();
	elsewhere = new_queue();
	PUT(queue, 4, "four");
	pid_t victim = step_victim(rehearse, call_receives);
	bool in_call = strike_after(victim, STRIDE * steps);
	if (in_call) {
		CHECK_SOON(struck_read(&struck->done) == 1 && struck_read(&struck->handled) == 1);
		CHECK_EQ(struck->failed, struck->noted);
		CHECK(!struck->failed || struck->error == ENOMSG);
		GET(queue, 0, 0, 5, "fives");
		CHECK_HOLDS(queue, 0, 0);
	}
	step_kill(victim);
	remove_queue(queue);
	remove_queue(elsewhere);
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(msgrcv_while_its_message_is_replaced_at_any_instruction)
{
	strike_each_step(trial);
}
