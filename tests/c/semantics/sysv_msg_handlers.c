/* Handlers that interrupt a sleep in msgsnd or msgrcv, and do what they like with the queue. */
#include <setjmp.h>
#include <sys/time.h>
#include "../support/handled.h"
#include "../support/sysv_msg_sleepers.h"

static int the_queue;

static void sends(int signal)
{
	(void)signal;
	CHECK_OK(send_text(the_queue, 1, "by the handler", 0));
}

/* Served or interrupted: nothing is lost, and nothing comes twice. */
static void sends_to_itself(struct sleeper *sleeper)
{
	strike(sleeper);
	int error = end_of(sleeper);
	CHECK(error == 0 || error == EINTR);
	CHECK_EQ(count_of(the_queue), error == EINTR);
	if (error == EINTR)
		GET(the_queue, 1, 0, 1, "by the handler");
	else
		check_message(__FILE__, __LINE__, &sleeper->message, sleeper->length, 1,
			      "by the handler");
}

CASE(msgsnd_in_a_handler_of_what_the_interrupted_msgrcv_wants)
{
	the_queue = new_queue();
	for (int i = 0; i < 2; i++) {
		handle(SIGUSR1, sends, handler_flags[i]);
		sends_to_itself(RECEIVES(the_queue, 1, 0));
		sends_to_itself(PROCESS_RECEIVES(the_queue, 0, 0));
	}
}

CASE(msgsnd_in_a_handler_of_what_another_sleeper_wants)
{
	the_queue = new_queue();
	handle(SIGUSR1, sends, SA_RESTART);
	struct sleeper *first = PROCESS_RECEIVES(the_queue, 2, 0),
		       *second = PROCESS_RECEIVES(the_queue, 1, 0);
	strike(first);
	CHECK_EQ(end_of(first), EINTR);
	GETS(second, 1, "by the handler");
	CHECK_HOLDS(the_queue, 0, 0);
}

static void receives(int signal)
{
	(void)signal;
	GET(the_queue, 1, 0, 1, "x");
}

CASE(msgrcv_in_a_handler_makes_space_for_the_interrupted_msgsnd)
{
	the_queue = new_queue_of(1);
	for (int i = 0; i < 2; i++) {
		PUT(the_queue, 1, "x");
		handle(SIGUSR1, receives, handler_flags[i]);
		struct sleeper *sleeper = i ? SENDS(the_queue, 2, "y")
					    : PROCESS_SENDS(the_queue, 2, "y");
		strike(sleeper);
		int error = end_of(sleeper);
		CHECK(error == 0 || error == EINTR);
		CHECK_EQ(count_of(the_queue), error == 0);
		if (error == 0)
			GET(the_queue, 0, 0, 2, "y");
	}
}

static int *got_in_handler;

static void receives_asleep(int signal)
{
	struct message got;
	(void)signal;
	CHECK_EQ(msgrcv(the_queue, &got, BODY, 2, 0), 3);
	CHECK_EQ(memcmp(got.body, "two", 3), 0);
	__atomic_store_n(got_in_handler, 1, __ATOMIC_SEQ_CST);
}

CASE(msgrcv_in_a_handler_sleeps_in_the_queue_of_the_interrupted_one)
{
	got_in_handler = common_memory(sizeof *got_in_handler);
	the_queue = new_queue();
	handle(SIGUSR1, receives_asleep, SA_RESTART);
	struct sleeper *sleeper = PROCESS_RECEIVES(the_queue, 1, 0);
	strike(sleeper);
	SLEEPS_ON(sleeper);
	PUT(the_queue, 2, "two");
	CHECK_SOON(__atomic_load_n(got_in_handler, __ATOMIC_SEQ_CST));
	CHECK_EQ(end_of(sleeper), EINTR);
	CHECK_HOLDS(the_queue, 0, 0);
}

static unsigned long seen;

static void looks(int signal)
{
	struct msqid_ds status;
	(void)signal;
	CHECK_OK(msgctl(the_queue, IPC_STAT, &status));
	CHECK_EQ(msgctl(the_queue, MSG_STAT, &status), the_queue);
	seen = status.msg_qnum + status.__msg_cbytes;
	int other = msgget(IPC_PRIVATE, 0600);
	CHECK_OK(send_text(other, 1, "x", 0));
	CHECK_OK(msgctl(other, IPC_RMID, NULL));
}

CASE(msgctl_and_msgget_in_a_handler_that_interrupts_msgrcv)
{
	the_queue = new_queue();
	PUT(the_queue, 1, "five.");
	handle(SIGUSR1, looks, 0);
	struct sleeper *sleeper = RECEIVES(the_queue, 2, 0);
	strike(sleeper);
	CHECK_EQ(end_of(sleeper), EINTR);
	CHECK_EQ(seen, 6);
	GET(the_queue, 0, 0, 1, "five.");
}

static void removes(int signal)
{
	(void)signal;
	CHECK_OK(msgctl(the_queue, IPC_RMID, NULL));
}

CASE(msgctl_removal_in_a_handler_that_interrupts_msgrcv_or_msgsnd)
{
	for (int i = 0; i < 4; i++) {
		the_queue = new_queue_of(1);
		PUT(the_queue, 1, "x");
		handle(SIGUSR1, removes, handler_flags[i % 2]);
		struct sleeper *other = RECEIVES(the_queue, 3, 0), *sender = SENDS(the_queue, 2, "y");
		struct sleeper *sleeper = i < 2 ? PROCESS_RECEIVES(the_queue, 2, 0)
						: PROCESS_SENDS(the_queue, 2, "z");
		strike(sleeper);
		int error = end_of(sleeper);
		CHECK(error == EINTR || error == EIDRM);
		CHECK_EQ(end_of(other), EIDRM);
		CHECK_EQ(end_of(sender), EIDRM);
		CHECK_FAILS(msgctl(the_queue, IPC_RMID, NULL), EINVAL);
	}
}

static void removes_and_exits(int signal)
{
	removes(signal);
	exit(7);
}

CASE(msgctl_removal_and_exit_in_a_handler_that_interrupts_msgrcv)
{
	int status;
	the_queue = new_queue();
	handle(SIGTERM, removes_and_exits, 0);
	struct sleeper *server = PROCESS_RECEIVES(the_queue, 1, 0),
		       *client = PROCESS_RECEIVES(the_queue, 2, 0);
	CHECK_OK(kill(server->pid, SIGTERM));
	CHECK_EQ(waitpid(server->pid, &status, 0), server->pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK_EQ(end_of(client), EIDRM);
}

static sigjmp_buf out;

static void jumps(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

CASE(msgrcv_left_by_siglongjmp_takes_nothing)
{
	struct itimerval timer = { .it_value = { 0, 20000 } };
	struct message got;
	the_queue = new_queue();
	handle(SIGALRM, jumps, 0);
	for (volatile int i = 0; i < 5; i++) {
		if (sigsetjmp(out, 1) == 0) {
			CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
			msgrcv(the_queue, &got, BODY, i % 3, 0);
			CHECK(!"the call returned");
		}
		PUT(the_queue, i % 3 + 1, "stays");
		CHECK_HOLDS(the_queue, 1, 5);
		GET(the_queue, 0, 0, i % 3 + 1, "stays");
	}
}

CASE(msgrcv_left_by_siglongjmp_leaves_its_turn_to_the_next)
{
	struct itimerval timer = { .it_value = { 0, 20000 } };
	struct message got;
	the_queue = new_queue();
	handle(SIGALRM, jumps, 0);
	if (sigsetjmp(out, 1) == 0) {
		CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
		msgrcv(the_queue, &got, BODY, 0, 0);
		CHECK(!"the call returned");
	}
	struct sleeper *next = PROCESS_RECEIVES(the_queue, 0, 0);
	PUT(the_queue, 1, "for the next");
	CHECK_HOLDS(the_queue, 0, 0);
	GETS(next, 1, "for the next");
}

CASE(msgsnd_left_by_siglongjmp_sends_nothing)
{
	struct itimerval timer = { .it_value = { 0, 20000 } };
	the_queue = new_queue_of(1);
	handle(SIGALRM, jumps, 0);
	for (volatile int i = 0; i < 5; i++) {
		PUT(the_queue, 1, "x");
		if (sigsetjmp(out, 1) == 0) {
			CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
			send_text(the_queue, 2, "y", 0);
			CHECK(!"the call returned");
		}
		GET(the_queue, 1, 0, 1, "x");
		CHECK_HOLDS(the_queue, 0, 0);
	}
}

static int *forked;

static void forks(int signal)
{
	(void)signal;
	pid_t pid = fork();
	CHECK_OK(pid);
	if (pid == 0)
		alarm(20);
	else
		*forked = pid;
}

/* In parent and child: neither has taken the message, and each one can. */
CASE(msgrcv_interrupted_by_a_handler_that_forks_ends_in_both)
{
	int *ended = common_memory(sizeof *ended);
	forked = common_memory(sizeof *forked);
	the_queue = new_queue();
	handle(SIGUSR1, forks, SA_RESTART);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_FAILS(msgrcv(the_queue, &(struct message){ 0 }, BODY, 0, 0), EINTR);
		__atomic_fetch_add(ended, 1, __ATOMIC_SEQ_CST);
		CHECK_EQ(msgrcv(the_queue, &(struct message){ 0 }, BODY, 0, 0), 1);
		if (*forked != 0 && getpid() != *forked)
			waitpid(*forked, NULL, 0);
		_exit(0);
	}
	for (int looks = 0; looks < 3; looks++)
		CHECK_SOON(asleep(pid, pid));
	CHECK_OK(kill(pid, SIGUSR1));
	CHECK_SOON(__atomic_load_n(ended, __ATOMIC_SEQ_CST) == 2);
	PUT(the_queue, 1, "x");
	PUT(the_queue, 1, "y");
	check_child(pid);
	CHECK_SOON(count_of(the_queue) == 0);
}
