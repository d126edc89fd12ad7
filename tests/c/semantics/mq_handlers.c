/* Handlers that use the queue themselves or never return, and what an interrupted wait leaves
 * behind. */
#include "../support/strike.h"

#include <setjmp.h>

static void send_from_handler(int signal)
{
	(void)signal;
	send_wake();
	atomic_fetch_add(&handled, 1);
}

static void receive_from_handler(int signal)
{
	(void)signal;
	make_room();
	atomic_fetch_add(&handled, 1);
}

CASE(mq_receive_gets_what_a_handler_sends_meanwhile)
{
	queue = queue_small(0);
	handle(SA_RESTART, send_from_handler);
	strike_when_asleep(NULL);
	CHECK_EQ(receive(), 4);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_send_uses_the_space_that_a_handler_makes_meanwhile)
{
	queue = queue_small(0);
	queue_fill(queue);
	handle(SA_RESTART, receive_from_handler);
	strike_when_asleep(NULL);
	CHECK_OK(mq_send(queue, "late", 4, 0));
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(mq_receive_interrupted_by_a_handler_that_sends_leaves_the_message)
{
	queue = queue_small(0);
	handle(0, send_from_handler);
	strike_when_asleep(NULL);
	/* Either is right: the kernel restarts nothing here, another may look once more first. */
	errno = 0;
	int length = receive();
	CHECK(length == 4 || (length == -1 && errno == EINTR));
	CHECK_EQ(queue_count(queue), length == 4 ? 0 : 1);
}

static sigjmp_buf out;

static void jump_out(int signal)
{
	(void)signal;
	atomic_fetch_add(&handled, 1);
	siglongjmp(out, 1);
}

/* A waiter that counts for ever would swallow this notification. */
static void nobody_is_counted_as_waiting(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct timespec patience = { 10, 0 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(mq_notify(queue, &event));
	send_wake();
	CHECK_EQ(sigtimedwait(&set, NULL, &patience), SIGUSR2);
	queue_expect(queue, "wake", 0);
}

CASE(mq_receive_left_by_siglongjmp_leaves_nothing_stuck)
{
	queue = queue_small(0);
	handle(0, jump_out);
	for (volatile int i = 0; i < 10; i++) {
		if (sigsetjmp(out, 1) == 0) {
			atomic_store(&handled, 0);
			strike_when_asleep(NULL);
			receive();
			CHECK(!"received from an empty queue");
		}
		CHECK_EQ(handled, 1);
		send_wake();
		CHECK_EQ(receive(), 4);
	}
	nobody_is_counted_as_waiting();
}

CASE(mq_send_left_by_siglongjmp_leaves_nothing_stuck)
{
	queue = queue_small(0);
	queue_fill(queue);
	handle(0, jump_out);
	for (volatile int i = 0; i < 10; i++) {
		if (sigsetjmp(out, 1) == 0) {
			atomic_store(&handled, 0);
			strike_when_asleep(NULL);
			mq_send(queue, "never", 5, 9);
			CHECK(!"sent to a full queue");
		}
		CHECK_EQ(handled, 1);
		make_room();
		queue_put(queue, "filler", 1);
	}
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_receive_that_was_interrupted_is_not_counted_as_waiting)
{
	queue = queue_small(0);
	handle(0, count_signal);
	strike_when_asleep(NULL);
	CHECK_FAILS(receive(), EINTR);
	nobody_is_counted_as_waiting();
}

CASE(mq_receive_that_timed_out_is_not_counted_as_waiting)
{
	queue = queue_small(0);
	handle(0, count_signal);
	CHECK_FAILS(receive_before(5), ETIMEDOUT);
	nobody_is_counted_as_waiting();
}
