/* Thread cancellation: strikes in the four calls that can wait, on entry and asleep, and nowhere
 * else. */
#include "../support/queue.h"

static mqd_t queue;
static char got[SMALL_SIZE];
static atomic_int thread_tid, cleaned, go;

static void note_cleanup(void *unused)
{
	(void)unused;
	atomic_fetch_add(&cleaned, 1);
}

static void receive(void)
{
	mq_receive(queue, got, sizeof got, NULL);
}

static void timed_receive(void)
{
	struct timespec when = deadline_ms(15000);
	mq_timedreceive(queue, got, sizeof got, NULL, &when);
}

static void send_one(void)
{
	mq_send(queue, "never", 5, 9);
}

static void timed_send(void)
{
	struct timespec when = deadline_ms(15000);
	mq_timedsend(queue, "never", 5, 9, &when);
}

static void *call_with_cleanup(void *call)
{
	atomic_store(&thread_tid, gettid());
	pthread_cleanup_push(note_cleanup, NULL);
	((void (*)(void))call)();
	pthread_cleanup_pop(0);
	return NULL;
}

static pthread_t start(void *(*body)(void *), void (*call)(void))
{
	pthread_t thread;
	atomic_store(&thread_tid, 0);
	CHECK_EQ(pthread_create(&thread, NULL, body, (void *)call), 0);
	while (!atomic_load(&thread_tid))
		pause_ms(1);
	return thread;
}

static void is_cancelled(pthread_t thread)
{
	void *result;
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(cleaned, 1);
}

static void cancel_asleep(void (*call)(void))
{
	pthread_t thread = start(call_with_cleanup, call);
	queue_await_asleep(thread_tid);
	CHECK_EQ(pthread_cancel(thread), 0);
	is_cancelled(thread);
}

CASE(mq_receive_is_cancelled_asleep)
{
	queue = queue_small(0);
	cancel_asleep(receive);
	queue_put(queue, "not for the dead", 0);
	CHECK_EQ(queue_count(queue), 1);
	queue_expect(queue, "not for the dead", 0);
}

CASE(mq_timedreceive_is_cancelled_asleep)
{
	queue = queue_small(0);
	cancel_asleep(timed_receive);
	queue_put(queue, "not for the dead", 0);
	CHECK_EQ(queue_count(queue), 1);
}

CASE(mq_send_is_cancelled_asleep)
{
	queue = queue_small(0);
	queue_fill(queue);
	cancel_asleep(send_one);
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_timedsend_is_cancelled_asleep)
{
	queue = queue_small(0);
	queue_fill(queue);
	cancel_asleep(timed_send);
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
	CHECK_EQ(queue_count(queue), 0);
}

static void *call_when_cancelled(void *call)
{
	int old;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	atomic_store(&thread_tid, gettid());
	while (!atomic_load(&go))
		sched_yield();
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	return call_with_cleanup(call);
}

static void cancel_before(void (*call)(void))
{
	pthread_t thread = start(call_when_cancelled, call);
	CHECK_EQ(pthread_cancel(thread), 0);
	atomic_store(&go, 1);
	is_cancelled(thread);
}

CASE(mq_receive_is_cancelled_on_entry_even_with_a_message)
{
	queue = queue_small(0);
	queue_put(queue, "stays", 0);
	cancel_before(receive);
	queue_expect(queue, "stays", 0);
}

CASE(mq_timedreceive_is_cancelled_on_entry_even_with_a_message)
{
	queue = queue_small(0);
	queue_put(queue, "stays", 0);
	cancel_before(timed_receive);
	queue_expect(queue, "stays", 0);
}

CASE(mq_send_is_cancelled_on_entry_even_with_space)
{
	queue = queue_small(0);
	cancel_before(send_one);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_timedsend_is_cancelled_on_entry_even_with_space)
{
	queue = queue_small(0);
	cancel_before(timed_send);
	CHECK_EQ(queue_count(queue), 0);
}

static void receive_from_nothing(void)
{
	mq_receive(-1, got, sizeof got, NULL);
}

CASE(mq_receive_is_cancelled_on_entry_even_if_it_would_fail)
{
	cancel_before(receive_from_nothing);
}

static void *receive_uncancellable(void *unused)
{
	int old;
	(void)unused;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	atomic_store(&thread_tid, gettid());
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
	atomic_store(&go, 1);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	pthread_testcancel();
	return NULL;
}

CASE(mq_receive_goes_on_while_cancellation_is_disabled)
{
	queue = queue_small(0);
	pthread_t thread = start(receive_uncancellable, NULL);
	queue_await_asleep(thread_tid);
	CHECK_EQ(pthread_cancel(thread), 0);
	pause_ms(20);
	queue_await_asleep(thread_tid);
	queue_put(queue, "wake", 0);
	void *result;
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(go, 1);
}

static void calls_that_do_not_wait(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	struct mq_attr attr;
	mqd_t again = mq_open(queue_name(0), O_RDWR);
	CHECK_OK(again);
	CHECK_OK(mq_open(queue_name(1), O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
	CHECK_OK(mq_getattr(again, &attr));
	CHECK_OK(mq_setattr(again, &attr, NULL));
	CHECK_OK(mq_notify(again, &event));
	CHECK_OK(mq_notify(again, NULL));
	CHECK_OK(mq_unlink(queue_name(1)));
	atomic_store(&go, 2);
	pthread_testcancel();
}

CASE(mq_calls_that_do_not_wait_are_no_cancellation_points)
{
	queue = queue_small(0);
	cancel_before(calls_that_do_not_wait);
	CHECK_EQ(go, 2);
}

CASE(mq_receive_that_was_cancelled_is_not_counted_as_waiting)
{
	queue = queue_small(0);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	cancel_asleep(receive);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct timespec patience = { 10, 0 };
	CHECK_OK(mq_notify(queue, &event));
	queue_put(queue, "notify", 0);
	CHECK_EQ(sigtimedwait(&set, NULL, &patience), SIGUSR2);
}

CASE_BETTER(
	mq_receive_cancelled_again_and_again_loses_nothing,
	"glibc lets a cancellation strike between the kernel's hand-over of a message and the return")
{
	/* The cancellation races with a message: the thread has it, or the queue still does. */
	queue = queue_small(0);
	for (int i = 0; i < 300; i++) {
		pthread_t thread;
		void *result;
		atomic_store(&cleaned, 0);
		atomic_store(&thread_tid, 0);
		CHECK_EQ(pthread_create(&thread, NULL, call_with_cleanup, (void *)receive), 0);
		while (!atomic_load(&thread_tid))
			sched_yield();
		if (i % 2)
			queue_await_asleep(thread_tid);
		queue_put(queue, "either", 0);
		int error = pthread_cancel(thread);
		CHECK(error == 0 || error == OLDER_CANCEL_OF_ENDED);
		CHECK_EQ(pthread_join(thread, &result), 0);
		/* Not the result: glibc may say PTHREAD_CANCELED of a thread that has just ended by
		 * itself. */
		int is_cancelled = atomic_load(&cleaned) > 0;
		CHECK(!is_cancelled || result == PTHREAD_CANCELED);
		CHECK_EQ(queue_count(queue), is_cancelled);
		if (is_cancelled)
			queue_expect(queue, "either", 0);
	}
}
