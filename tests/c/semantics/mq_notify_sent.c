/* The signal of a notification is sent by the time mq_send returns, with what siginfo_t has
 * to say. */
#include "../support/notify.h"

static mqd_t queue;
static volatile sig_atomic_t handled;
static siginfo_t noted;

static bool note_is_pending(void)
{
	sigset_t pending;
	CHECK_OK(sigpending(&pending));
	return sigismember(&pending, NOTE);
}

static void handle_note(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	noted = *info;
	handled++;
}

static void note_is_handled(int flags)
{
	struct sigaction action = { .sa_sigaction = handle_note, .sa_flags = SA_SIGINFO | flags };
	CHECK_OK(sigaction(NOTE, &action, NULL));
}

/* The send is made in a child, which says when it has returned. */
static pid_t sent_by_child(void)
{
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "news", 0);
		_exit(0);
	}
	check_child(child);
	return child;
}

CASE(mq_notify_is_pending_when_send_returns)
{
	queue = queue_for_notes(0);
	for (int round = 0; round < 200; round++) {
		CHECK_OK(ask_for_note(queue, round));
		queue_put(queue, "news", 0);
		CHECK(note_is_pending());
		CHECK_EQ(expect_note().si_value.sival_int, round);
		queue_expect(queue, "news", 0);
	}
}

CASE(mq_notify_is_pending_when_the_send_of_another_process_returns)
{
	queue = queue_for_notes(0);
	for (int round = 0; round < 50; round++) {
		CHECK_OK(ask_for_note(queue, round));
		sent_by_child();
		CHECK(note_is_pending());
		expect_note();
		queue_expect(queue, "news", 0);
	}
}

CASE(mq_notify_is_handled_when_send_returns)
{
	queue = queue_small(0);
	note_is_handled(0);
	for (int round = 1; round <= 200; round++) {
		CHECK_OK(ask_for_note(queue, round));
		queue_put(queue, "news", 0);
		CHECK_EQ(handled, round);
		queue_expect(queue, "news", 0);
	}
}

CASE(mq_notify_is_handled_when_timedsend_returns)
{
	struct timespec late = deadline_ms(60000);
	queue = queue_small(O_NONBLOCK);
	note_is_handled(SA_RESTART);
	for (int round = 1; round <= 50; round++) {
		CHECK_OK(ask_for_note(queue, round));
		CHECK_OK(mq_timedsend(queue, "news", 4, 0, &late));
		CHECK_EQ(handled, round);
		queue_expect(queue, "news", 0);
	}
}

CASE(mq_notify_by_a_real_time_signal_is_handled_when_send_returns)
{
	struct sigaction action = { .sa_sigaction = handle_note, .sa_flags = SA_SIGINFO };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3 };
	queue = queue_small(0);
	CHECK_OK(sigaction(SIGRTMIN + 3, &action, NULL));
	CHECK_OK(mq_notify(queue, &event));
	queue_put(queue, "news", 0);
	CHECK_EQ(handled, 1);
	CHECK_EQ(noted.si_signo, SIGRTMIN + 3);
}

CASE(mq_notify_tells_which_process_sent)
{
	queue = queue_small(0);
	note_is_handled(SA_RESTART);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = NOTE };
	event.sigev_value.sival_ptr = &queue;
	CHECK_OK(mq_notify(queue, &event));
	pid_t child = sent_by_child();
	CHECK_SOON(handled == 1);
	CHECK_EQ(noted.si_signo, NOTE);
	CHECK_EQ(noted.si_code, SI_MESGQ);
	CHECK_EQ(noted.si_errno, 0);
	CHECK_EQ(noted.si_pid, child);
	CHECK_EQ(noted.si_uid, getuid());
	CHECK(noted.si_value.sival_ptr == &queue);
}

CASE(mq_notify_by_oneself_tells_so)
{
	queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, -5));
	queue_put(queue, "news", 0);
	siginfo_t info = expect_note();
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(info.si_value.sival_int, -5);
}

/* The standard signal is pending already: it stays one. The registration is used up all
 * the same. */
CASE(mq_notify_of_a_signal_that_is_pending_is_used_up)
{
	queue = queue_for_notes(0);
	CHECK_OK(kill(getpid(), NOTE));
	CHECK_OK(ask_for_note(queue, 1));
	queue_put(queue, "news", 0);
	CHECK(expect_note().si_code != SI_MESGQ);
	expect_no_note();
	CHECK_OK(ask_for_note(queue, 2));
	CHECK_OK(mq_notify(queue, NULL));
}

CASE(mq_notify_by_an_ignored_signal_is_used_up)
{
	queue = queue_small(0);
	CHECK(signal(NOTE, SIG_IGN) != SIG_ERR);
	CHECK_OK(ask_for_note(queue, 1));
	queue_put(queue, "news", 0);
	queue_expect(queue, "news", 0);
	CHECK_OK(ask_for_note(queue, 2));
}

/* The signal may go to any thread of the process that lets it in. */
static void *wait_for_note(void *unused)
{
	CHECK_EQ(expect_note().si_value.sival_int, 6);
	return unused;
}

CASE(mq_notify_reaches_a_thread_that_waits_for_it)
{
	pthread_t thread;
	queue = queue_for_notes(0);
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_note, NULL), 0);
	CHECK_OK(ask_for_note(queue, 6));
	queue_put(queue, "news", 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* The handler asks again, and sends itself. */
static volatile sig_atomic_t notes_left = 50;

static void ask_again(int signal)
{
	(void)signal;
	char got[SMALL_SIZE];
	if (--notes_left == 0)
		return;
	CHECK_OK(mq_receive(queue, got, sizeof got, NULL));
	CHECK_OK(ask_for_note(queue, 0));
}

CASE(mq_notify_is_asked_for_again_in_its_handler)
{
	queue = queue_small(0);
	CHECK(signal(NOTE, ask_again) != SIG_ERR);
	CHECK_OK(ask_for_note(queue, 0));
	while (notes_left > 0)
		queue_put(queue, "news", 0);
	CHECK_EQ(queue_count(queue), 1);
}

CASE(mq_notify_interrupts_the_sleep_of_its_process)
{
	queue = queue_small(0);
	note_is_handled(0);
	CHECK_OK(ask_for_note(queue, 0));
	pid_t self = getpid(), child = check_fork();
	if (child == 0) {
		queue_await_asleep(self);
		queue_put(queue, "news", 0);
		_exit(0);
	}
	CHECK_FAILS(poll(NULL, 0, -1), EINTR);
	CHECK_EQ(handled, 1);
	check_child(child);
}
