/* mq_notify across PID namespaces: the two may not know each other's number. Needs root. */
#include "../support/notify.h"

#include <sys/stat.h>

/* A child that is pid 1 of a namespace of its own. */
static pid_t fork_into_namespace(void)
{
	if (unshare(CLONE_NEWPID) == -1)
		CHECK_SKIP("no PID namespace of our own (unshare is refused)");
	pid_t child = check_fork();
	if (child == 0)
		CHECK_EQ(getpid(), 1);
	return child;
}

static mqd_t everybodys_queue(void)
{
	umask(0);
	notes_are_waited_for();
	mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0666,
			      &(struct mq_attr){ .mq_maxmsg = SMALL_DEPTH,
						 .mq_msgsize = SMALL_SIZE });
	CHECK_OK(queue);
	return queue;
}

CASE(mq_notify_of_a_process_whose_children_have_a_namespace_of_their_own)
{
	mqd_t queue = queue_for_notes(0);
	if (unshare(CLONE_NEWPID) == -1)
		CHECK_SKIP("no PID namespace of our own (unshare is refused)");
	CHECK_OK(ask_for_note(queue, 5));
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 5);
}

CASE(mq_notify_reaches_a_namespace_below)
{
	mqd_t queue = queue_for_notes(0);
	int ready[2];
	char byte;
	CHECK_OK(pipe(ready));
	pid_t child = fork_into_namespace();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 6));
		CHECK_EQ(write(ready[1], "r", 1), 1);
		siginfo_t info = expect_note();
		CHECK_EQ(info.si_value.sival_int, 6);
		CHECK_EQ(info.si_code, SI_MESGQ);
		/* The sender is not there. */
		CHECK_EQ(info.si_pid, 0);
		_exit(0);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_FAILS(ask_for_note(queue, 1), EBUSY);
	queue_put(queue, "note", 0);
	check_child(child);
}

CASE(mq_notify_reaches_the_namespace_above)
{
	mqd_t queue = everybodys_queue();
	CHECK_OK(ask_for_note(queue, 7));
	pid_t child = fork_into_namespace();
	if (child == 0) {
		CHECK_FAILS(ask_for_note(queue, 1), EBUSY);
		CHECK_OK(mq_notify(queue, NULL));
		queue_put(queue, "note", 0);
		_exit(0);
	}
	check_child(child);
	siginfo_t info = expect_note();
	CHECK_EQ(info.si_value.sival_int, 7);
	CHECK_EQ(info.si_code, SI_MESGQ);
}

CASE(mq_notify_tells_two_pids_1_apart)
{
	mqd_t queue = queue_for_notes(0);
	queue_name(1);
	pid_t child = fork_into_namespace();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 1));
		pid_t grandchild = fork_into_namespace();
		if (grandchild == 0) {
			/* It is another pid 1 that is registered. */
			CHECK_OK(mq_notify(queue, NULL));
			CHECK_FAILS(ask_for_note(queue, 2), EBUSY);
			mqd_t own = queue_create(1, O_RDWR, 2, 16);
			CHECK_OK(ask_for_note(own, 3));
			queue_put(own, "note", 0);
			CHECK_EQ(expect_note().si_value.sival_int, 3);
			_exit(0);
		}
		check_child(grandchild);
		queue_put(queue, "note", 0);
		CHECK_EQ(expect_note().si_value.sival_int, 1);
		_exit(0);
	}
	check_child(child);
}
