/* How long a registration for notification lives: it belongs to one process and its descriptors,
 * and goes with either. */
#include "../support/notify.h"

/* A signal that another process has sent to us says that the registration is over: a new one is
 * possible. */
static void registration_is_gone(mqd_t queue)
{
	CHECK_OK(ask_for_note(queue, 42));
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 42);
}

static void registration_is_there(mqd_t queue, int value)
{
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, value);
}

CASE(mq_notify_ends_with_mq_close)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t other = queue_again(0, O_RDWR);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(mq_close(queue));
	queue_put(other, "no note", 0);
	expect_no_note();
	queue_expect(other, "no note", 0);
	registration_is_gone(other);
}

CASE(mq_notify_ends_with_close)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t other = queue_again(0, O_RDWR);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(close(queue));
	registration_is_gone(other);
}

CASE(mq_notify_ends_with_the_close_of_another_descriptor)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t other = queue_again(0, O_RDONLY);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(mq_close(other));
	registration_is_gone(queue);
}

CASE(mq_notify_ends_with_the_close_of_a_duplicate)
{
	mqd_t queue = queue_for_notes(0);
	int copy = dup(queue);
	CHECK_OK(copy);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(close(copy));
	registration_is_gone(queue);
}

CASE(mq_notify_survives_the_close_of_another_queue)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t stranger = queue_create(1, O_RDWR, 1, 8);
	CHECK_OK(ask_for_note(queue, 5));
	CHECK_OK(mq_close(stranger));
	registration_is_there(queue, 5);
}

static void registrant_ends(void (*end)(void), bool by_signal)
{
	mqd_t queue = queue_for_notes(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		end();
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WIFSIGNALED(status), by_signal);
	registration_is_gone(queue);
}

static void end_by_exit(void)
{
	exit(0);
}

static void end_by_exit_at_once(void)
{
	_exit(0);
}

static void end_by_sigkill(void)
{
	kill(getpid(), SIGKILL);
}

static void end_by_sigterm(void)
{
	kill(getpid(), SIGTERM);
}

CASE(mq_notify_ends_with_exit)
{
	registrant_ends(end_by_exit, false);
}

CASE(mq_notify_ends_with_exit_without_handlers)
{
	registrant_ends(end_by_exit_at_once, false);
}

CASE(mq_notify_ends_with_sigkill)
{
	registrant_ends(end_by_sigkill, true);
}

CASE(mq_notify_ends_with_sigterm)
{
	registrant_ends(end_by_sigterm, true);
}

CASE(mq_notify_ends_with_death_before_the_parent_reaps)
{
	mqd_t queue = queue_for_notes(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		end_by_sigkill();
	}
	siginfo_t info;
	CHECK_OK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
	CHECK_EQ(info.si_code, CLD_KILLED);
	registration_is_gone(queue);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

CASE(mq_notify_ends_with_sigkill_of_a_process_asleep)
{
	mqd_t queue = queue_for_notes(0);
	int ready[2];
	char byte;
	CHECK_OK(pipe(ready));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		CHECK_EQ(write(ready[1], "r", 1), 1);
		for (;;)
			pause();
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_FAILS(ask_for_note(queue, 2), EBUSY);
	queue_kill_child(child);
	registration_is_gone(queue);
}

CASE(mq_notify_by_thread_ends_with_sigkill)
{
	mqd_t queue = queue_for_notes(0);
	int ready[2];
	char byte;
	CHECK_OK(pipe(ready));
	pid_t child = check_fork();
	if (child == 0) {
		struct sigevent event = { .sigev_notify = SIGEV_THREAD };
		event.sigev_notify_function = (void (*)(union sigval))end_by_exit;
		CHECK_OK(mq_notify(queue, &event));
		CHECK_EQ(write(ready[1], "r", 1), 1);
		for (;;)
			pause();
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	queue_kill_child(child);
	registration_is_gone(queue);
}

CASE(mq_notify_ends_with_exec)
{
	mqd_t queue = queue_for_notes(0);
	int ready[2];
	char byte;
	CHECK_OK(pipe2(ready, O_CLOEXEC));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		execl("/bin/sleep", "sleep", "15", NULL);
		_exit(1);
	}
	CHECK_OK(close(ready[1]));
	/* The end of the pipe comes when exec has closed what it must. */
	CHECK_EQ(read(ready[0], &byte, 1), 0);
	/* Descriptors are closed one after the other: the queue's may be a moment later. */
	while (ask_for_note(queue, 42) == -1) {
		CHECK_EQ(errno, EBUSY);
		pause_ms(1);
	}
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 42);
	queue_kill_child(child);
}

CASE(mq_notify_is_not_inherited)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 7));
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "note", 0);
		expect_no_note();
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(expect_note().si_value.sival_int, 7);
}

CASE(mq_notify_survives_the_end_of_a_child)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 7));
	pid_t child = check_fork();
	if (child == 0)
		_exit(0);
	check_child(child);
	child = check_fork();
	if (child == 0)
		for (;;)
			pause();
	queue_kill_child(child);
	registration_is_there(queue, 7);
}

CASE(mq_notify_survives_the_close_in_a_child)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t other = queue_again(0, O_RDWR);
	CHECK_OK(ask_for_note(queue, 7));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(mq_close(queue));
		CHECK_OK(close(other));
		_exit(0);
	}
	check_child(child);
	registration_is_there(queue, 7);
}

CASE(mq_notify_survives_the_exec_of_a_child)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 7));
	pid_t child = check_fork();
	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	check_child(child);
	registration_is_there(queue, 7);
}

CASE(mq_notify_of_a_child_ends_with_it_though_the_parent_has_the_queue)
{
	mqd_t queue = queue_for_notes(0);
	int ready[2];
	char byte;
	CHECK_OK(pipe(ready));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 9));
		CHECK_EQ(write(ready[1], "r", 1), 1);
		CHECK_EQ(expect_note().si_value.sival_int, 9);
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_FAILS(ask_for_note(queue, 1), EBUSY);
	queue_put(queue, "for the child", 0);
	check_child(child);
	queue_expect(queue, "for the child", 0);
	registration_is_gone(queue);
}

static void *ask_in_thread(void *queue)
{
	CHECK_OK(ask_for_note(*(mqd_t *)queue, 15));
	return NULL;
}

CASE(mq_notify_belongs_to_the_process_and_not_to_the_thread)
{
	mqd_t queue = queue_for_notes(0);
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, ask_in_thread, &queue), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_FAILS(ask_for_note(queue, 1), EBUSY);
	registration_is_there(queue, 15);
}

CASE(mq_notify_comes_for_the_message_of_a_sender_that_was_killed)
{
	/* Killed at any step: a message has its note, and no message leaves the registration. */
	mqd_t queue = queue_for_notes(0);
	atomic_int *go = shared_memory(sizeof *go);
	for (int round = 0; round < 200; round++) {
		CHECK_OK(ask_for_note(queue, round));
		if (!queue_gets_message_of_killed(queue, go, round % 50 * 1000))
			queue_put(queue, "from the living", 0);
		CHECK_EQ(expect_note().si_value.sival_int, round);
		queue_take(queue);
		CHECK_EQ(queue_count(queue), 0);
	}
}

/* Whatever they are, as a program cannot know descriptors of the library's own. */
static void replace_other_descriptors(mqd_t queue)
{
	CHECK(queue < 900);
	for (int fd = 900; fd < 1000; fd++)
		CHECK_EQ(dup2(STDERR_FILENO, fd), fd);
}

/* A poll that finds nothing, and then something, which may take descriptors. */
static void poll_and_take(mqd_t queue)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 1), 0);
	queue_put(queue, "one", 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	queue_take(queue);
	CHECK_EQ(queue_events(queue), POLLOUT);
}

CASE(mq_notify_is_kept_when_others_are_replaced_after_a_poll)
{
	mqd_t queue = queue_for_notes(0);
	poll_and_take(queue);
	CHECK_OK(ask_for_note(queue, 7));
	replace_other_descriptors(queue);
	registration_is_there(queue, 7);
}

CASE(mq_notify_is_kept_when_others_are_replaced_again)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 7));
	registration_is_there(queue, 7);
	queue_take(queue);
	poll_and_take(queue);
	CHECK_OK(ask_for_note(queue, 8));
	replace_other_descriptors(queue);
	replace_other_descriptors(queue);
	registration_is_there(queue, 8);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
}

CASE(mq_notify_is_kept_when_copies_of_others_are_closed)
{
	mqd_t queue = queue_for_notes(0);
	poll_and_take(queue);
	CHECK_OK(ask_for_note(queue, 7));
	for (int fd = 0; fd < 1024; fd++) {
		int copy = fd == queue ? -1 : dup(fd);
		if (copy != -1)
			CHECK_OK(close(copy));
	}
	registration_is_there(queue, 7);
}
