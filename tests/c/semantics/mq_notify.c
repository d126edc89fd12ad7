/* mq_notify by signal: what the signal carries, and when it comes. */
#include "../support/notify.h"

CASE(mq_notify_signal_says_where_it_comes_from)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 4711));
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "note", 0);
		_exit(0);
	}
	siginfo_t info = expect_note();
	CHECK_EQ(info.si_signo, NOTE);
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_errno, 0);
	CHECK_EQ(info.si_value.sival_int, 4711);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_uid, getuid());
	check_child(child);
}

CASE(mq_notify_signal_from_the_process_itself)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, -1));
	queue_put(queue, "note", 0);
	siginfo_t info = expect_note();
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_value.sival_int, -1);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(info.si_uid, getuid());
}

CASE(mq_notify_signal_carries_a_pointer)
{
	mqd_t queue = queue_for_notes(0);
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = NOTE,
		.sigev_value.sival_ptr = &queue,
	};
	CHECK_OK(mq_notify(queue, &event));
	queue_put(queue, "note", 0);
	CHECK(expect_note().si_value.sival_ptr == &queue);
}

static mqd_t handled_queue;
static siginfo_t handled_info;
static atomic_int handled;

static void on_note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	handled_info = *info;
	atomic_fetch_add(&handled, 1);
}

CASE(mq_notify_signal_runs_a_handler)
{
	struct sigaction action = { .sa_sigaction = on_note, .sa_flags = SA_SIGINFO };
	mqd_t queue = queue_small(0);
	CHECK_OK(sigaction(NOTE, &action, NULL));
	CHECK_OK(ask_for_note(queue, 77));
	queue_put(queue, "note", 0);
	while (!atomic_load(&handled))
		pause_ms(1);
	CHECK_EQ(handled_info.si_code, SI_MESGQ);
	CHECK_EQ(handled_info.si_value.sival_int, 77);
}

CASE(mq_notify_by_a_realtime_signal_of_another_number)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	mqd_t queue = queue_small(0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMAX };
	for (int i = 0; i < 3; i++) {
		event.sigev_value.sival_int = i;
		CHECK_OK(mq_notify(queue, &event));
		queue_put(queue, "note", 0);
		queue_expect(queue, "note", 0);
	}
	/* Realtime signals queue up, so all three are there, in order. */
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(sigtimedwait(&set, &info, &(struct timespec){ 10, 0 }), SIGRTMAX);
		CHECK_EQ(info.si_value.sival_int, i);
		CHECK_EQ(info.si_code, SI_MESGQ);
	}
}

CASE(mq_notify_comes_once)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 0));
	queue_put(queue, "note", 0);
	expect_note();
	queue_expect(queue, "note", 0);
	queue_put(queue, "no note", 0);
	expect_no_note();
}

CASE(mq_notify_can_be_asked_for_again)
{
	mqd_t queue = queue_for_notes(0);
	for (int i = 0; i < 5; i++) {
		CHECK_OK(ask_for_note(queue, i));
		queue_put(queue, "note", 0);
		CHECK_EQ(expect_note().si_value.sival_int, i);
		queue_expect(queue, "note", 0);
	}
}

CASE(mq_notify_waits_for_the_step_from_empty_to_one)
{
	mqd_t queue = queue_for_notes(0);
	queue_put(queue, "first", 0);
	CHECK_OK(ask_for_note(queue, 8));
	queue_put(queue, "second", 0);
	expect_no_note();
	queue_expect(queue, "first", 0);
	queue_put(queue, "third", 0);
	expect_no_note();
	queue_expect(queue, "second", 0);
	queue_expect(queue, "third", 0);
	queue_put(queue, "fourth", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 8);
}

CASE(mq_notify_for_a_message_of_no_bytes)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 0));
	CHECK_OK(mq_send(queue, "", 0, 0));
	expect_note();
}

CASE(mq_notify_for_a_timed_send)
{
	mqd_t queue = queue_for_notes(0);
	struct timespec when = deadline_ms(10000);
	CHECK_OK(ask_for_note(queue, 0));
	CHECK_OK(mq_timedsend(queue, "x", 1, 0, &when));
	expect_note();
}

CASE(mq_notify_leaves_a_message_to_a_blocked_receiver)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 3));
	pid_t child = check_fork();
	if (child == 0) {
		char got[SMALL_SIZE];
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 9);
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "unnoticed", 0);
	check_child(child);
	expect_no_note();
	/* The registration is not used up. */
	CHECK_FAILS(ask_for_note(queue, 4), EBUSY);
	queue_put(queue, "noticed", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 3);
}

CASE(mq_notify_leaves_a_message_to_a_receiver_with_a_deadline)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 3));
	pid_t child = check_fork();
	if (child == 0) {
		char got[SMALL_SIZE];
		struct timespec when = deadline_ms(15000);
		CHECK_EQ(mq_timedreceive(queue, got, sizeof got, NULL, &when), 9);
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "unnoticed", 0);
	check_child(child);
	expect_no_note();
	CHECK_FAILS(ask_for_note(queue, 4), EBUSY);
}

CASE(mq_notify_comes_although_a_process_polls)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 3));
	pid_t child = check_fork();
	if (child == 0) {
		struct pollfd fd = { queue, POLLIN, 0 };
		CHECK_EQ(poll(&fd, 1, 15000), 1);
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "both", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 3);
	check_child(child);
}

CASE(mq_notify_comes_in_each_of_many_fresh_processes)
{
	/* What is set up for the first notification of a process is ready when
	 * mq_notify returns. */
	queue_name(0);
	for (int polled = 0; polled < 2; polled++) {
		for (int round = 0; round < 150; round++) {
			pid_t child = check_fork();
			if (child == 0) {
				mqd_t queue = queue_for_notes(0);
				if (polled)
					CHECK_EQ(queue_events(queue), POLLOUT);
				CHECK_OK(ask_for_note(queue, round));
				queue_put(queue, "note", 0);
				sigset_t set = note_set();
				CHECK_EQ(sigtimedwait(&set, NULL, &(struct timespec){ 3, 0 }),
					 NOTE);
				CHECK_OK(mq_unlink(queue_name(0)));
				_exit(0);
			}
			check_child(child);
		}
	}
}

CASE(mq_notify_on_an_unlinked_queue)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 3));
	CHECK_OK(mq_unlink(queue_name(0)));
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 3);
}

CASE(mq_notify_on_two_queues_tells_them_apart)
{
	mqd_t one = queue_for_notes(0);
	mqd_t two = queue_create(1, O_RDWR, 2, 16);
	CHECK_OK(ask_for_note(one, 1));
	CHECK_OK(ask_for_note(two, 2));
	queue_put(two, "two", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 2);
	queue_put(one, "one", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 1);
}

static int drained;

static void ask_again_and_drain(int signal)
{
	(void)signal;
	char got[SMALL_SIZE];
	CHECK_OK(ask_for_note(handled_queue, 0));
	while (mq_receive(handled_queue, got, sizeof got, NULL) >= 0)
		drained++;
	CHECK_EQ(errno, EAGAIN);
}

CASE(mq_notify_asked_for_in_the_handler_misses_nothing)
{
	enum { MESSAGES = 2000 };
	sigset_t none;
	sigemptyset(&none);
	handled_queue = queue_for_notes(O_NONBLOCK);
	struct sigaction action = { .sa_handler = ask_again_and_drain };
	CHECK_OK(sigaction(NOTE, &action, NULL));
	CHECK_OK(ask_for_note(handled_queue, 0));
	pid_t child = check_fork();
	if (child == 0) {
		mqd_t queue = queue_again(0, O_WRONLY);
		for (int i = 0; i < MESSAGES; i++)
			queue_put(queue, "message", 0);
		_exit(0);
	}
	while (drained < MESSAGES)
		sigsuspend(&none);
	CHECK_EQ(drained, MESSAGES);
	check_child(child);
}

CASE(mq_notify_registered_10000_times_misses_none)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t answer = queue_create(1, O_RDWR, 1, 8);
	pid_t child = check_fork();
	char got[SMALL_SIZE];
	for (int i = 0; child == 0 && i < 10000; i++) {
		CHECK_OK(mq_receive(answer, got, 8, NULL));
		queue_put(queue, "note", 0);
	}
	if (child == 0)
		_exit(0);
	for (int i = 0; i < 10000; i++) {
		CHECK_OK(ask_for_note(queue, i));
		queue_put(answer, "go", 0);
		CHECK_EQ(expect_note().si_value.sival_int, i);
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
	}
	check_child(child);
}
