/* Signals that strike a blocked call: EINTR, or a restart with SA_RESTART, which holds for the
 * timed forms too. */
#include "../support/strike.h"

CASE(mq_receive_is_interrupted_by_a_handler)
{
	queue = queue_small(0);
	handle(0, count_signal);
	strike_when_asleep(NULL);
	CHECK_FAILS(receive(), EINTR);
	CHECK_EQ(handled, 1);
}

CASE(mq_send_is_interrupted_by_a_handler)
{
	queue = queue_small(0);
	queue_fill(queue);
	handle(0, count_signal);
	strike_when_asleep(NULL);
	CHECK_FAILS(mq_send(queue, "late", 4, 0), EINTR);
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_timedreceive_is_interrupted_by_a_handler)
{
	queue = queue_small(0);
	handle(0, count_signal);
	strike_when_asleep(NULL);
	CHECK_FAILS(receive_before(15000), EINTR);
}

CASE(mq_timedsend_is_interrupted_by_a_handler)
{
	queue = queue_small(0);
	queue_fill(queue);
	handle(0, count_signal);
	strike_when_asleep(NULL);
	CHECK_FAILS(send_before(15000), EINTR);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(mq_receive_is_restarted_with_sa_restart)
{
	queue = queue_small(0);
	handle(SA_RESTART, count_signal);
	pthread_t thread = strike_when_asleep(send_wake);
	CHECK_EQ(receive(), 4);
	CHECK(memcmp(got, "wake", 4) == 0);
	CHECK_EQ(handled, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(mq_send_is_restarted_with_sa_restart)
{
	queue = queue_small(0);
	queue_fill(queue);
	handle(SA_RESTART, count_signal);
	pthread_t thread = strike_when_asleep(make_room);
	CHECK_OK(mq_send(queue, "late", 4, 0));
	CHECK_EQ(handled, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(mq_timedreceive_is_restarted_with_sa_restart)
{
	queue = queue_small(0);
	handle(SA_RESTART, count_signal);
	pthread_t thread = strike_when_asleep(send_wake);
	CHECK_EQ(receive_before(15000), 4);
	CHECK_EQ(handled, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(mq_timedsend_is_restarted_with_sa_restart)
{
	queue = queue_small(0);
	queue_fill(queue);
	handle(SA_RESTART, count_signal);
	pthread_t thread = strike_when_asleep(make_room);
	CHECK_OK(send_before(15000));
	CHECK_EQ(handled, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(mq_timedreceive_keeps_its_deadline_over_a_restart)
{
	queue = queue_small(0);
	handle(SA_RESTART, count_signal);
	strike_when_asleep(NULL);
	double start = seconds_now();
	CHECK_FAILS(receive_before(600), ETIMEDOUT);
	CHECK_EQ(handled, 1);
	CHECK(seconds_now() - start >= 0.55);
}

CASE(mq_timedsend_keeps_its_deadline_over_a_restart)
{
	queue = queue_small(0);
	queue_fill(queue);
	handle(SA_RESTART, count_signal);
	strike_when_asleep(NULL);
	double start = seconds_now();
	CHECK_FAILS(send_before(600), ETIMEDOUT);
	CHECK_EQ(handled, 1);
	CHECK(seconds_now() - start >= 0.55);
}

CASE(mq_receive_is_interrupted_in_the_thread_that_is_struck)
{
	queue = queue_small(0);
	handle(0, count_signal);
	pid_t child = check_fork();
	if (child == 0)
		_exit(receive() == 4 ? 0 : 1);
	queue_await_asleep(child);
	strike_when_asleep(NULL);
	CHECK_FAILS(receive(), EINTR);
	queue_put(queue, "wake", 0);
	check_child(child);
}

/* Sends the child a signal that must not end its wait, then the message. */
static void undisturbed_by(pid_t child, int first, int second)
{
	queue_await_asleep(child);
	CHECK_OK(kill(child, first));
	if (second) {
		int status;
		CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
		CHECK(WIFSTOPPED(status));
		CHECK_OK(kill(child, second));
	}
	pause_ms(20);
	queue_await_asleep(child);
	queue_put(queue, "wake", 0);
	check_child(child);
}

CASE(mq_receive_goes_on_after_stop_and_continue)
{
	queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(receive(), 4);
		_exit(0);
	}
	undisturbed_by(child, SIGSTOP, SIGCONT);
}

CASE(mq_timedreceive_goes_on_after_stop_and_continue)
{
	queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(receive_before(15000), 4);
		_exit(0);
	}
	undisturbed_by(child, SIGSTOP, SIGCONT);
}

CASE(mq_receive_is_not_interrupted_by_an_ignored_signal)
{
	queue = queue_small(0);
	handle(0, SIG_IGN);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(receive(), 4);
		_exit(0);
	}
	undisturbed_by(child, SIGUSR1, 0);
}

CASE(mq_receive_is_not_interrupted_by_a_blocked_signal)
{
	queue = queue_small(0);
	handle(0, count_signal);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(receive(), 4);
		CHECK_EQ(handled, 0);
		CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
		CHECK_EQ(handled, 1);
		_exit(0);
	}
	undisturbed_by(child, SIGUSR1, 0);
}
