/* mq_notify: what ends a registration, and what does not, however a process is made and descriptors
 * are closed. */
#include "../support/notify.h"

#include <spawn.h>

/* The place is free. */
static void registration_is_gone(mqd_t queue)
{
	CHECK_OK(ask_for_note(queue, 42));
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 42);
}

static void registration_is_there(mqd_t queue, int value)
{
	CHECK_FAILS(ask_for_note(queue, 43), EBUSY);
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, value);
}

CASE(mq_notify_ends_with_a_close_by_system_call)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t other = queue_again(0, O_RDWR);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(syscall(SYS_close, other));
	registration_is_gone(queue);
}

CASE(mq_notify_ends_with_a_close_of_a_duplicate_by_system_call)
{
	mqd_t queue = queue_for_notes(0);
	int copy = fcntl(queue, F_DUPFD_CLOEXEC, 100);
	CHECK_OK(copy);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(syscall(SYS_close, copy));
	registration_is_gone(queue);
}

CASE(mq_notify_ends_with_dup2_over_a_descriptor)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t other = queue_again(0, O_RDWR);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(dup2(0, other));
	registration_is_gone(queue);
}

CASE(mq_notify_survives_calls_that_close_nothing)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(dup2(queue, queue));
	CHECK_FAILS(dup3(queue, queue, 0), EINVAL);
	CHECK_FAILS(dup3(0, queue, 0x7fff0000), EINVAL);
	CHECK_FAILS(dup2(-1, queue), EBADF);
	CHECK_FAILS(close(queue + 1000), EBADF);
	CHECK_OK(dup(queue));
	registration_is_there(queue, 1);
}

static void close_all_in_vfork_child(void)
{
	pid_t child = vfork();
	if (child == 0) {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	check_child(child);
}

CASE(mq_notify_survives_a_child_of_vfork_that_closes_all)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 8));
	close_all_in_vfork_child();
	registration_is_there(queue, 8);
}

CASE(mq_notify_survives_posix_spawn)
{
	extern char **environ;
	mqd_t queue = queue_for_notes(0);
	char *arguments[] = { "true", NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;
	CHECK_OK(ask_for_note(queue, 8));
	CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
	CHECK_EQ(posix_spawn_file_actions_addclose(&actions, queue), 0);
	CHECK_EQ(posix_spawn(&child, "/bin/true", &actions, NULL, arguments, environ), 0);
	check_child(child);
	registration_is_there(queue, 8);
}

CASE(mq_notify_survives_a_child_by_system_call_that_closes_all)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 8));
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	CHECK_OK(child);
	if (child == 0) {
		CHECK_OK(mq_notify(queue, NULL));
		CHECK_OK(mq_close(queue));
		_exit(0);
	}
	check_child(child);
	registration_is_there(queue, 8);
}

/* A process that registers, makes a child by system call that stays, and then ends, or becomes
 * another program. */
static pid_t registrant_with_heir(mqd_t queue, int ready, void (*end)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		pid_t heir = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		CHECK_OK(heir);
		if (heir == 0) {
			CHECK_EQ(write(ready, "r", 1), 1);
			for (;;)
				pause();
		}
		end();
	}
	return child;
}

static void end_at_once(void)
{
	_exit(0);
}

CASE(mq_notify_ends_with_the_process_though_its_child_has_the_queue)
{
	mqd_t queue = queue_for_notes(0);
	int ready[2];
	char byte;
	CHECK_OK(pipe(ready));
	pid_t child = registrant_with_heir(queue, ready[1], end_at_once);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	check_child(child);
	registration_is_gone(queue);
}

static int exec_done;

/* A note would end it. */
static void exec_sleep(void)
{
	char text[16];
	sigset_t notes = note_set();
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &notes, NULL), 0);
	snprintf(text, sizeof text, "%d", exec_done);
	execl("/bin/sh", "sh", "-c", "eval \"echo done >&$0\"; exec sleep 15", text, NULL);
	_exit(1);
}

/* No process has sent it a signal that would end it. */
static void goes_on(pid_t program)
{
	for (int looks = 0; looks < 20; looks++) {
		CHECK_EQ(waitpid(program, NULL, WNOHANG), 0);
		pause_ms(1);
	}
	queue_kill_child(program);
}

CASE(mq_notify_ends_with_exec_though_a_child_has_the_queue)
{
	mqd_t queue = queue_for_notes(0);
	int ready[2], done[2];
	char byte;
	CHECK_OK(pipe(ready));
	CHECK_OK(pipe(done));
	exec_done = done[1];
	pid_t child = registrant_with_heir(queue, ready[1], exec_sleep);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	/* The new program runs. */
	CHECK_EQ(read(done[0], &byte, 1), 1);
	registration_is_gone(queue);
	goes_on(child);
}

static void *exec_in_thread(void *nothing)
{
	exec_sleep();
	return nothing;
}

CASE(mq_notify_ends_with_exec_by_another_thread)
{
	mqd_t queue = queue_for_notes(0);
	int done[2];
	char byte;
	CHECK_OK(pipe(done));
	exec_done = done[1];
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		CHECK_OK(ask_for_note(queue, 1));
		CHECK_EQ(pthread_create(&thread, NULL, exec_in_thread, NULL), 0);
		for (;;)
			pause();
	}
	CHECK_EQ(read(done[0], &byte, 1), 1);
	registration_is_gone(queue);
	goes_on(child);
}

/* The descriptor that it has registered with is the only one, and stays open. */
CASE(mq_notify_sends_nothing_to_a_program_that_has_the_descriptor_still)
{
	mqd_t queue = queue_for_notes(0);
	int done[2];
	char byte;
	CHECK_OK(pipe(done));
	exec_done = done[1];
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		CHECK_OK(fcntl(queue, F_SETFD, 0));
		exec_sleep();
	}
	CHECK_EQ(read(done[0], &byte, 1), 1);
	queue_put(queue, "for nobody", 0);
	goes_on(child);
}

CASE(mq_notify_needs_no_robust_list)
{
	mqd_t queue = queue_for_notes(0);
	pid_t child = check_fork();
	if (child == 0) {
		syscall(SYS_set_robust_list, NULL, 24);
		CHECK_OK(ask_for_note(queue, 2));
		registration_is_there(queue, 2);
		queue_take(queue);
		_exit(0);
	}
	check_child(child);
	registration_is_gone(queue);
}
