/* mq_notify with SIGEV_THREAD: the function runs in a thread as POSIX describes it. */
#include "../support/notify.h"

static struct {
	atomic_int calls;
	union sigval value;
	pthread_t thread;
	pid_t pid;
	int detached;
	size_t stack;
	sigset_t mask;
} seen;

static void look_around(union sigval value)
{
	pthread_attr_t attr;
	seen.value = value;
	seen.thread = pthread_self();
	seen.pid = getpid();
	CHECK_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
	CHECK_EQ(pthread_attr_getdetachstate(&attr, &seen.detached), 0);
	CHECK_EQ(pthread_attr_getstacksize(&attr, &seen.stack), 0);
	pthread_attr_destroy(&attr);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &seen.mask), 0);
	atomic_fetch_add(&seen.calls, 1);
}

static int ask_for_thread(mqd_t queue, void (*function)(union sigval), int value,
			  pthread_attr_t *attr)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD };
	event.sigev_value.sival_int = value;
	event.sigev_notify_function = function;
	event.sigev_notify_attributes = attr;
	return mq_notify(queue, &event);
}

static void await_calls(int calls)
{
	while (atomic_load(&seen.calls) < calls)
		pause_ms(1);
}

static void expect_no_further_call(int calls)
{
	pause_ms(60);
	CHECK_EQ(atomic_load(&seen.calls), calls);
}

CASE(mq_notify_thread_runs_the_function_with_the_value)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 12, NULL));
	queue_put(queue, "note", 0);
	await_calls(1);
	CHECK_EQ(seen.value.sival_int, 12);
	CHECK(!pthread_equal(seen.thread, pthread_self()));
	CHECK_EQ(seen.pid, getpid());
}

CASE(mq_notify_thread_for_a_message_of_another_process)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 13, NULL));
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "note", 0);
		_exit(0);
	}
	check_child(child);
	await_calls(1);
	CHECK_EQ(seen.value.sival_int, 13);
	CHECK_EQ(seen.pid, getpid());
}

CASE(mq_notify_thread_is_detached)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 0, NULL));
	queue_put(queue, "note", 0);
	await_calls(1);
	CHECK_EQ(seen.detached, PTHREAD_CREATE_DETACHED);
}

CASE(mq_notify_thread_starts_with_no_signal_blocked)
{
	notes_are_waited_for();
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 0, NULL));
	queue_put(queue, "note", 0);
	await_calls(1);
	for (int signal = 1; signal <= 64; signal++)
		if (signal < 32 || signal >= SIGRTMIN)
			CHECK_EQ(sigismember(&seen.mask, signal), 0);
}

CASE(mq_notify_thread_honours_the_stack_size)
{
	mqd_t queue = queue_small(0);
	pthread_attr_t attr;
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 3 << 20), 0);
	CHECK_OK(ask_for_thread(queue, look_around, 0, &attr));
	/* The attributes may go at once. */
	CHECK_EQ(pthread_attr_destroy(&attr), 0);
	memset(&attr, 0xee, sizeof attr);
	queue_put(queue, "note", 0);
	await_calls(1);
	CHECK(seen.stack >= 3 << 20);
	CHECK(seen.stack < (3 << 20) + (1 << 18));
}

CASE(mq_notify_thread_comes_once)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 0, NULL));
	queue_put(queue, "note", 0);
	await_calls(1);
	queue_expect(queue, "note", 0);
	queue_put(queue, "no note", 0);
	expect_no_further_call(1);
}

CASE(mq_notify_thread_again_and_again)
{
	mqd_t queue = queue_small(0);
	for (int i = 1; i <= 200; i++) {
		CHECK_OK(ask_for_thread(queue, look_around, i, NULL));
		queue_put(queue, "note", 0);
		await_calls(i);
		CHECK_EQ(seen.value.sival_int, i);
		queue_expect(queue, "note", 0);
	}
}

CASE(mq_notify_thread_is_taken_back_with_null)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 0, NULL));
	CHECK_OK(mq_notify(queue, NULL));
	queue_put(queue, "no note", 0);
	expect_no_further_call(0);
	queue_expect(queue, "no note", 0);
	CHECK_OK(ask_for_thread(queue, look_around, 5, NULL));
	queue_put(queue, "note", 0);
	await_calls(1);
	CHECK_EQ(seen.value.sival_int, 5);
}

CASE(mq_notify_thread_ends_with_mq_close)
{
	mqd_t queue = queue_small(0);
	mqd_t again = queue_again(0, O_RDWR);
	CHECK_OK(ask_for_thread(queue, look_around, 0, NULL));
	CHECK_OK(mq_close(queue));
	queue_put(again, "no note", 0);
	expect_no_further_call(0);
}

CASE(mq_notify_thread_is_ebusy_for_the_second)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 1, NULL));
	CHECK_FAILS(ask_for_thread(queue, look_around, 2, NULL), EBUSY);
	queue_put(queue, "note", 0);
	await_calls(1);
	CHECK_EQ(seen.value.sival_int, 1);
	expect_no_further_call(1);
}

CASE(mq_notify_thread_on_what_is_no_queue_is_ebadf)
{
	CHECK_FAILS(ask_for_thread(-1, look_around, 1, NULL), EBADF);
	expect_no_further_call(0);
}

CASE(mq_notify_threads_of_two_queues)
{
	mqd_t one = queue_small(0);
	mqd_t two = queue_create(1, O_RDWR, 2, 16);
	CHECK_OK(ask_for_thread(one, look_around, 1, NULL));
	CHECK_OK(ask_for_thread(two, look_around, 2, NULL));
	queue_put(two, "two", 0);
	await_calls(1);
	CHECK_EQ(seen.value.sival_int, 2);
	queue_put(one, "one", 0);
	await_calls(2);
	CHECK_EQ(seen.value.sival_int, 1);
}

static mqd_t endless;
static int drained;

static void ask_again_and_drain(union sigval value)
{
	char got[SMALL_SIZE];
	CHECK_OK(ask_for_thread(endless, ask_again_and_drain, value.sival_int + 1, NULL));
	while (mq_receive(endless, got, sizeof got, NULL) >= 0)
		drained++;
	CHECK_EQ(errno, EAGAIN);
	atomic_fetch_add(&seen.calls, 1);
}

CASE(mq_notify_thread_asks_again_itself)
{
	endless = queue_small(O_NONBLOCK);
	CHECK_OK(ask_for_thread(endless, ask_again_and_drain, 0, NULL));
	for (int i = 1; i <= 100; i++) {
		queue_put(endless, "note", 0);
		await_calls(i);
		CHECK_EQ(drained, i);
	}
}

static void wait_in_thread(union sigval value)
{
	(void)value;
	atomic_fetch_add(&seen.calls, 1);
	for (;;)
		pause();
}

CASE(mq_notify_threads_do_not_wait_for_each_other)
{
	mqd_t queue = queue_small(0);
	for (int i = 1; i <= 3; i++) {
		CHECK_OK(ask_for_thread(queue, wait_in_thread, 0, NULL));
		queue_put(queue, "note", 0);
		await_calls(i);
		queue_expect(queue, "note", 0);
	}
}

CASE_BETTER(
	mq_notify_thread_works_in_the_child_of_a_process_that_used_it,
	"glibc's child inherits the socket of its parent's helper: either may read the other's note")
{
	mqd_t queue = queue_small(0);
	CHECK_OK(ask_for_thread(queue, look_around, 1, NULL));
	queue_put(queue, "note", 0);
	await_calls(1);
	queue_expect(queue, "note", 0);
	pid_t child = check_fork();
	if (child == 0) {
		alarm(5);
		for (int i = 2; i < 40; i++) {
			CHECK_OK(ask_for_thread(queue, look_around, i, NULL));
			queue_put(queue, "note", 0);
			await_calls(i);
			CHECK_EQ(seen.value.sival_int, i);
			CHECK_EQ(seen.pid, getpid());
			queue_expect(queue, "note", 0);
		}
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(atomic_load(&seen.calls), 1);
}
