/* mq_notify across users: the note comes where kill() may not reach. Needs root. */
#include "../support/nobody.h"
#include "../support/notify.h"

#include <sys/stat.h>

static mqd_t everybodys_queue(void)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	notes_are_waited_for();
	umask(0);
	mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0666,
			      &(struct mq_attr){ .mq_maxmsg = SMALL_DEPTH,
						 .mq_msgsize = SMALL_SIZE });
	CHECK_OK(queue);
	return queue;
}

CASE(mq_notify_reaches_root_from_nobody)
{
	mqd_t queue = everybodys_queue();
	CHECK_OK(ask_for_note(queue, 21));
	pid_t child = check_fork();
	if (child == 0) {
		become_user(NOBODY, NOBODY);
		CHECK_FAILS(kill(getppid(), 0), EPERM);
		queue_put(queue_again(0, O_WRONLY), "note", 0);
		_exit(0);
	}
	siginfo_t info = expect_note();
	CHECK_EQ(info.si_value.sival_int, 21);
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_uid, NOBODY);
	check_child(child);
}

CASE(mq_notify_reaches_nobody_from_root)
{
	mqd_t queue = everybodys_queue();
	pid_t root = getpid();
	pid_t child = check_fork();
	if (child == 0) {
		become_user(NOBODY, NOBODY);
		mqd_t own = queue_again(0, O_RDONLY);
		CHECK_OK(ask_for_note(own, 22));
		queue_put(queue_again(0, O_WRONLY), "", 0);
		CHECK_EQ(expect_note().si_uid, NOBODY);
		queue_expect(own, "", 0);
		CHECK_OK(ask_for_note(own, 23));
		queue_put(queue, "", 0);
		CHECK_EQ(expect_note().si_uid, NOBODY);
		queue_expect(own, "", 0);
		CHECK_OK(ask_for_note(own, 24));
		CHECK_OK(kill(getpid(), SIGSTOP));
		siginfo_t info = expect_note();
		CHECK_EQ(info.si_value.sival_int, 24);
		CHECK_EQ(info.si_pid, root);
		CHECK_EQ(info.si_uid, 0);
		_exit(0);
	}
	int status;
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	CHECK_FAILS(ask_for_note(queue, 1), EBUSY);
	queue_put(queue, "note", 0);
	CHECK_OK(kill(child, SIGCONT));
	check_child(child);
}
