/* Signals that strike a blocked call: EINTR, SA_RESTART (which holds for the timed forms too), and
 * handlers that use the queue themselves.
 */
#include "../support/queue.h"

#include <setjmp.h>

static mqd_t queue;
static atomic_int handled;
static char got[SMALL_SIZE];

static void count_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&handled, 1);
}

/* SIGUSR1 strikes; SIGUSR2 announces a message and is only ever waited for. */
static void handle(int flags, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	sigset_t announced;
	sigemptyset(&announced);
	sigaddset(&announced, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &announced, NULL));
}

/* The other thread: strikes when the main one sleeps, waits until that had its effect. */
static struct {
	pthread_t main;
	pid_t main_tid;
	void (*then)(void);
} other;

static void *strike(void *unused)
{
	(void)unused;
	queue_await_asleep(other.main_tid);
	CHECK_EQ(pthread_kill(other.main, SIGUSR1), 0);
	while (!atomic_load(&handled))
		pause_ms(1);
	if (other.then) {
		queue_await_asleep(other.main_tid);
		other.then();
	}
	return NULL;
}

static pthread_t strike_when_asleep(void (*then)(void))
{
	pthread_t thread;
	other.main = pthread_self();
	other.main_tid = gettid();
	other.then = then;
	CHECK_EQ(pthread_create(&thread, NULL, strike, NULL), 0);
	return thread;
}

static void send_wake(void)
{
	queue_put(queue, "wake", 0);
}

static void make_room(void)
{
	queue_expect(queue, "filler", 1);
}

static int receive(void)
{
	return (int)mq_receive(queue, got, sizeof got, NULL);
}

static int receive_before(long ms)
{
	struct timespec when = deadline_ms(ms);
	return (int)mq_timedreceive(queue, got, sizeof got, NULL, &when);
}

static int send_before(long ms)
{
	struct timespec when = deadline_ms(ms);
	return mq_timedsend(queue, "late", 4, 0, &when);
}

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

CASE(mq_send_uses_the_room_that_a_handler_makes_meanwhile)
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
