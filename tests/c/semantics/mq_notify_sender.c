/* mq_notify by signal: the process is notified when mq_send returns, wherever the two are, and
 * whatever they lack. */
#include "../support/nobody.h"
#include "../support/notify.h"

#include <setjmp.h>
#include <sys/resource.h>
#include <sys/stat.h>

static volatile sig_atomic_t handled;

static void count_note(int signal)
{
	(void)signal;
	handled++;
}

static void handler_has_run_when_send_returns(int signal)
{
	mqd_t queue = queue_small(0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal };
	CHECK_OK(sigaction(signal, &(struct sigaction){ .sa_handler = count_note }, NULL));
	for (int round = 1; round <= 100; round++) {
		CHECK_OK(mq_notify(queue, &event));
		queue_put(queue, "note", 0);
		CHECK_EQ(handled, round);
		queue_take(queue);
	}
}

CASE(mq_notify_handler_has_run_when_send_returns)
{
	handler_has_run_when_send_returns(SIGUSR1);
}

CASE(mq_notify_handler_of_a_realtime_signal_has_run_when_send_returns)
{
	handler_has_run_when_send_returns(SIGRTMIN);
}

static bool note_is_pending(void)
{
	sigset_t pending;
	CHECK_OK(sigpending(&pending));
	return sigismember(&pending, NOTE) == 1;
}

CASE(mq_notify_signal_is_pending_when_send_returns)
{
	mqd_t queue = queue_for_notes(0);
	for (int round = 0; round < 100; round++) {
		CHECK_OK(ask_for_note(queue, round));
		queue_put(queue, "note", 0);
		CHECK(note_is_pending());
		CHECK_EQ(expect_note().si_value.sival_int, round);
		queue_take(queue);
	}
}

CASE(mq_notify_signal_is_pending_when_send_of_another_process_returns)
{
	mqd_t queue = queue_for_notes(0);
	int done[2];
	char byte;
	CHECK_OK(pipe(done));
	for (int round = 0; round < 100; round++) {
		CHECK_OK(ask_for_note(queue, round));
		pid_t child = check_fork();
		if (child == 0) {
			queue_put(queue, "note", 0);
			CHECK_EQ(write(done[1], "d", 1), 1);
			_exit(0);
		}
		CHECK_EQ(read(done[0], &byte, 1), 1);
		CHECK(note_is_pending());
		siginfo_t info = expect_note();
		CHECK_EQ(info.si_pid, child);
		CHECK_EQ(info.si_value.sival_int, round);
		check_child(child);
		queue_take(queue);
	}
}

static void *send_in_thread(void *queue)
{
	queue_put(*(mqd_t *)queue, "note", 0);
	return NULL;
}

CASE(mq_notify_signal_is_pending_when_send_of_another_thread_returns)
{
	mqd_t queue = queue_for_notes(0);
	pthread_t thread;
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_EQ(pthread_create(&thread, NULL, send_in_thread, &queue), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(note_is_pending());
}

static sigjmp_buf out;

static void leave(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

CASE(mq_notify_handler_may_leave_send)
{
	mqd_t queue = queue_small(0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	CHECK_OK(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = leave }, NULL));
	for (volatile int round = 0; round < 100; round++) {
		CHECK_OK(mq_notify(queue, &event));
		if (sigsetjmp(out, 1) == 0) {
			queue_put(queue, "note", 0);
			CHECK(!"the handler has run when mq_send returns");
		}
		CHECK_EQ(queue_count(queue), 1);
		queue_take(queue);
	}
}

CASE(mq_notify_by_signal_number_0_sends_nothing)
{
	mqd_t queue = queue_small(0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 0 };
	CHECK_OK(mq_notify(queue, &event));
	CHECK_FAILS(mq_notify(queue, &event), EBUSY);
	queue_put(queue, "used up", 0);
	CHECK_OK(mq_notify(queue, &event));
}

CASE(mq_notify_without_space_for_another_realtime_signal_is_used_up)
{
	mqd_t queue = queue_small(0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	sigset_t set, pending;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ 0, 0 }));
	CHECK_OK(mq_notify(queue, &event));
	queue_put(queue, "note", 0);
	CHECK_OK(sigpending(&pending));
	CHECK_EQ(sigismember(&pending, SIGRTMIN), 0);
	CHECK_OK(mq_notify(queue, &event));
}

CASE(mq_notify_needs_no_descriptor)
{
	mqd_t queue = queue_for_notes(0);
	while (dup(0) >= 0)
		;
	CHECK_EQ(errno, EMFILE);
	CHECK_OK(ask_for_note(queue, 5));
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 5);
	queue_take(queue);
	CHECK_OK(ask_for_note(queue, 6));
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "note", 0);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(expect_note().si_value.sival_int, 6);
}

/* A queue of this mode, which another user may open or not. */
static mqd_t queue_of_mode(mode_t mode)
{
	umask(0);
	notes_are_waited_for();
	mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, mode,
			      &(struct mq_attr){ .mq_maxmsg = SMALL_DEPTH,
						 .mq_msgsize = SMALL_SIZE });
	CHECK_OK(queue);
	return queue;
}

CASE(mq_notify_needs_no_thread)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become a user that may have no thread");
	queue_name(0);
	pid_t child = check_fork();
	if (child == 0) {
		become_user(NOBODY - 7, NOBODY);
		CHECK_OK(setrlimit(RLIMIT_NPROC, &(struct rlimit){ 1, 1 }));
		for (int round = 0; round < 2; round++) {
			mqd_t queue = queue_of_mode(round == 0 ? 0600 : 0666);
			CHECK_OK(ask_for_note(queue, round));
			queue_put(queue, "note", 0);
			CHECK_EQ(expect_note().si_value.sival_int, round);
			CHECK_OK(mq_unlink(queue_name(0)));
		}
		_exit(0);
	}
	check_child(child);
}

static void *end_soon(void *nothing)
{
	pause_ms(50);
	return nothing;
}

static void process_ends_with_its_last_thread(mode_t mode)
{
	queue_name(0);
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		CHECK_OK(ask_for_note(queue_of_mode(mode), 1));
		CHECK_EQ(pthread_create(&thread, NULL, end_soon, NULL), 0);
		pthread_exit(NULL);
	}
	check_child(child);
}

CASE(mq_notify_lets_the_process_end_with_its_last_thread)
{
	process_ends_with_its_last_thread(0600);
}

CASE(mq_notify_on_everybodys_queue_lets_the_process_end_with_its_last_thread)
{
	process_ends_with_its_last_thread(0666);
}

CASE(mq_notify_leaves_errno_alone)
{
	mqd_t queue = queue_of_mode(0666);
	errno = 77;
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_EQ(errno, 77);
	queue_put(queue, "note", 0);
	CHECK_EQ(errno, 77);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(mq_notify(queue, NULL));
	CHECK_EQ(errno, 77);
}

/* A process that has changed its user is one that others may not signal. It was
 * registered before. */
CASE(mq_notify_reaches_a_process_that_has_become_another_user)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	mqd_t queue = queue_of_mode(0666);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 3));
		become_user(NOBODY, NOBODY);
		CHECK_OK(kill(getpid(), SIGSTOP));
		CHECK_EQ(expect_note().si_value.sival_int, 3);
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	pid_t sender = check_fork();
	if (sender == 0) {
		become_user(NOBODY - 1, NOBODY);
		CHECK_FAILS(kill(child, 0), EPERM);
		queue_put(queue, "note", 0);
		_exit(0);
	}
	check_child(sender);
	CHECK_OK(kill(child, SIGCONT));
	check_child(child);
}
