/* Signals: a handler always ends a sleep in msgsnd and msgrcv, whatever its flags are. */
#include <sys/time.h>
#include "../support/handled.h"
#include "../support/sysv_msg_sleepers.h"

static int full_queue(void)
{
	int queue = new_queue_of(1);
	PUT(queue, 1, "x");
	return queue;
}

/* The sleeper's call ends with EINTR, and has neither taken nor sent anything. */
static void is_interrupted(struct sleeper *sleeper)
{
	unsigned long before = count_of(sleeper->queue);
	strike(sleeper);
	CHECK_EQ(end_of(sleeper), EINTR);
	CHECK_EQ(count_of(sleeper->queue), before);
	if (!sleeper->sends)
		for (int i = 0; i < BODY; i++)
			CHECK_EQ(sleeper->message.body[i], 0xa5);
}

CASE(msgrcv_is_interrupted_by_a_handler)
{
	int queue = new_queue();
	handle(SIGUSR1, counts, 0);
	is_interrupted(RECEIVES(queue, 0, 0));
	is_interrupted(PROCESS_RECEIVES(queue, 0, 0));
	CHECK_EQ(handled, 1);
	PUT(queue, 1, "stays");
	GET(queue, 0, 0, 1, "stays");
}

CASE(msgrcv_of_all_selectors_is_interrupted)
{
	int queue = new_queue();
	handle(SIGUSR1, counts, 0);
	PUT(queue, 5, "other");
	is_interrupted(RECEIVES(queue, 3, 0));
	is_interrupted(RECEIVES(queue, -4, 0));
	is_interrupted(RECEIVES(queue, 5, MSG_EXCEPT));
	is_interrupted(PROCESS_RECEIVES(queue, 1, MSG_NOERROR));
	CHECK_HOLDS(queue, 1, 5);
}

CASE(msgsnd_is_interrupted_by_a_handler)
{
	int queue = full_queue();
	handle(SIGUSR1, counts, 0);
	is_interrupted(SENDS(queue, 2, "y"));
	is_interrupted(PROCESS_SENDS(queue, 2, "y"));
	is_interrupted(PROCESS_SENDS(queue, 2, ""));
	GET(queue, 0, 0, 1, "x");
	GET_NONE(queue, 0, 0);
	PUT(queue, 3, "z");
}

CASE(msgrcv_is_not_restarted_with_sa_restart)
{
	int queue = new_queue();
	handle(SIGUSR1, counts, SA_RESTART);
	is_interrupted(RECEIVES(queue, 0, 0));
	is_interrupted(PROCESS_RECEIVES(queue, 0, 0));
}

CASE(msgsnd_is_not_restarted_with_sa_restart)
{
	int queue = full_queue();
	handle(SIGUSR1, counts, SA_RESTART);
	is_interrupted(SENDS(queue, 2, "y"));
	is_interrupted(PROCESS_SENDS(queue, 2, "y"));
}

CASE(msgrcv_interrupted_leaves_its_turn_to_the_next)
{
	int queue = new_queue();
	handle(SIGUSR1, counts, 0);
	struct sleeper *first = RECEIVES(queue, 0, 0), *next = RECEIVES(queue, 0, 0);
	is_interrupted(first);
	PUT(queue, 1, "for the next");
	GETS(next, 1, "for the next");
}

/* Shared with a handler: whether it has begun, and whether it may end. */
static struct {
	int begun, may_end;
} *held;

static void holds(int signal)
{
	int error = errno;
	(void)signal;
	__atomic_store_n(&held->begun, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(&held->may_end, __ATOMIC_SEQ_CST));
	errno = error;
}

/* A message that comes during the handler is in the queue, or the receiver's. */
CASE(msgrcv_whose_message_has_left_the_queue_is_not_interrupted)
{
	int queue = new_queue();
	held = common_memory(sizeof *held);
	handle(SIGUSR1, holds, 0);
	struct sleeper *receiver = PROCESS_RECEIVES(queue, 0, 0);
	strike(receiver);
	CHECK_SOON(__atomic_load_n(&held->begun, __ATOMIC_SEQ_CST));
	PUT(queue, 1, "in time");
	bool is_there = count_of(queue) == 1;
	__atomic_store_n(&held->may_end, 1, __ATOMIC_SEQ_CST);
	int error = end_of(receiver);
	CHECK(error == 0 || (is_there && error == EINTR));
	CHECK_HOLDS(queue, error ? 1 : 0, error ? 7 : 0);
}

/* It is stopped, and will be struck before anything else when it goes on. */
static void strike_stopped(struct sleeper *sleeper)
{
	CHECK_OK(kill(sleeper->pid, SIGSTOP));
	CHECK_SOON(state_of(sleeper->pid, sleeper->pid) == 'T');
	strike(sleeper);
}

/* There is space for one. */
CASE(msgsnd_interrupted_leaves_its_space_to_the_next)
{
	enum { STRUCK = 4 };
	struct sleeper *struck[STRUCK];
	int queue = full_queue();
	handle(SIGUSR1, counts, 0);
	for (int i = 0; i < STRUCK; i++)
		struck[i] = PROCESS_SENDS(queue, 2, "y");
	struct sleeper *next = PROCESS_SENDS(queue, 3, "z");
	for (int i = 0; i < STRUCK; i++)
		strike_stopped(struck[i]);
	GET(queue, 0, 0, 1, "x");
	for (int i = 0; i < STRUCK; i++)
		CHECK_OK(kill(struck[i]->pid, SIGCONT));
	for (int i = 0; i < STRUCK; i++)
		CHECK_EQ(end_of(struck[i]), EINTR);
	CHECK_EQ(end_of(next), 0);
	CHECK_HOLDS(queue, 1, 1);
	GET(queue, 0, 0, 3, "z");
}

CASE(msgrcv_and_msgsnd_are_interrupted_by_a_timer)
{
	struct itimerval timer = { .it_value = { 0, 20000 } };
	int empty = new_queue(), full = full_queue();
	for (int i = 0; i < 2; i++) {
		handle(SIGALRM, counts, handler_flags[i]);
		CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
		CHECK_FAILS(msgrcv(empty, &(struct message){ 0 }, BODY, 0, 0), EINTR);
		CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
		CHECK_FAILS(send_text(full, 1, "y", 0), EINTR);
		CHECK_EQ(handled, 2 * i + 2);
	}
}

/* After the signal has come and gone, the sleepers are served as if nothing had been. */
static void sleeps_on(struct sleeper *receiver, struct sleeper *sender)
{
	strike(receiver);
	strike(sender);
	SLEEPS_ON(receiver);
	SLEEPS_ON(sender);
	PUT(receiver->queue, 1, "served");
	GETS(receiver, 1, "served");
	GET(sender->queue, 1, 0, 1, "x");
	CHECK_EQ(end_of(sender), 0);
	GET(sender->queue, 0, 0, 2, "y");
	PUT(sender->queue, 1, "x");
}

CASE(msgrcv_and_msgsnd_sleep_on_over_a_signal_that_is_ignored)
{
	int empty = new_queue(), full = full_queue();
	handle(SIGUSR1, SIG_IGN, 0);
	sleeps_on(RECEIVES(empty, 0, 0), SENDS(full, 2, "y"));
	sleeps_on(PROCESS_RECEIVES(empty, 0, 0), PROCESS_SENDS(full, 2, "y"));
}

CASE(msgrcv_and_msgsnd_sleep_on_over_a_signal_that_is_blocked)
{
	int empty = new_queue(), full = full_queue();
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	handle(SIGUSR1, counts, 0);
	CHECK_OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
	sleeps_on(RECEIVES(empty, 0, 0), SENDS(full, 2, "y"));
	sleeps_on(PROCESS_RECEIVES(empty, 0, 0), PROCESS_SENDS(full, 2, "y"));
	CHECK_EQ(handled, 0);
}

CASE(msgrcv_and_msgsnd_sleep_on_over_stop_and_continue)
{
	int empty = new_queue(), full = full_queue();
	struct sleeper *receiver = PROCESS_RECEIVES(empty, 0, 0),
		       *sender = PROCESS_SENDS(full, 2, "y");
	struct sleeper *both[] = { receiver, sender };
	for (int i = 0; i < 2; i++) {
		CHECK_OK(kill(both[i]->pid, SIGSTOP));
		CHECK_SOON(state_of(both[i]->pid, both[i]->pid) == 'T');
		CHECK_OK(kill(both[i]->pid, SIGCONT));
		SLEEPS_ON(both[i]);
	}
	PUT(empty, 1, "served");
	GETS(receiver, 1, "served");
	GET(full, 0, 0, 1, "x");
	CHECK_EQ(end_of(sender), 0);
}

CASE(msgrcv_sleeps_on_when_another_thread_handles_the_signal)
{
	int queue = new_queue();
	handle(SIGUSR1, counts, 0);
	struct sleeper *sleeper = RECEIVES(queue, 0, 0);
	CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
	CHECK_EQ(handled, 1);
	SLEEPS_ON(sleeper);
	PUT(queue, 1, "served");
	GETS(sleeper, 1, "served");
}

CASE(msgrcv_sleeps_on_when_a_child_ends)
{
	int queue = new_queue();
	struct sleeper *sleeper = RECEIVES(queue, 0, 0);
	pid_t pid = check_fork();
	if (pid == 0)
		_exit(0);
	check_child(pid);
	SLEEPS_ON(sleeper);
	PUT(queue, 1, "served");
	GETS(sleeper, 1, "served");
}

enum { TURNS = 500 };

/* One receiver that tries again when it is interrupted, in a rain of signals. */
CASE(msgrcv_and_msgsnd_interrupted_again_and_again_lose_nothing)
{
	int queue = new_queue_of(8);
	handle(SIGUSR1, counts, SA_RESTART);
	pid_t receiver = check_fork();
	if (receiver == 0) {
		for (unsigned i = 0; i < TURNS; i++) {
			struct message got;
			while (msgrcv(queue, &got, BODY, 1, 0) == -1)
				CHECK_EQ(errno, EINTR);
			for (size_t place = 0; place < 8; place++)
				CHECK_EQ(got.body[place], byte_of(i, place));
			while (send_text(queue, 2, "received", 0) == -1)
				CHECK_EQ(errno, EINTR);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < TURNS; i++) {
		CHECK_OK(kill(receiver, SIGUSR1));
		CHECK_OK(send_bytes(queue, 1, 8, i, 0));
		CHECK_OK(kill(receiver, SIGUSR1));
		CHECK_EQ(msgrcv(queue, &(struct message){ 0 }, BODY, 2, 0), 8);
	}
	check_child(receiver);
	CHECK_HOLDS(queue, 0, 0);
}
