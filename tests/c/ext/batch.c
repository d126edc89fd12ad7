/* rsipc_mq_sendv and rsipc_mq_recvv: several messages in one call. */
#include <rsipc.h>
#include "../support/queue_thread.h"
#include "../support/step.h"

enum { MANY = 100, SIZE = 16 };

static struct rsipc_mq_message batch[MANY];
static char bodies[MANY][SIZE];

/* The messages FIRST, FIRST + 1, ... as text. */
static void say(int first, int count)
{
	for (int i = 0; i < count; i++) {
		int length = snprintf(bodies[i], SIZE, "%d", first + i);
		batch[i] = (struct rsipc_mq_message){ bodies[i], (size_t)length, 1 };
	}
}

static void offer(int count)
{
	for (int i = 0; i < count; i++)
		batch[i] = (struct rsipc_mq_message){ bodies[i], SIZE, 99 };
}

static int number(int i)
{
	CHECK(batch[i].length < SIZE);
	bodies[i][batch[i].length] = 0;
	return atoi(bodies[i]);
}

/* The first `count` of the batch are these numbers, in their order. */
static void check_numbers(int first, int count)
{
	for (int i = 0; i < count; i++) {
		CHECK_EQ(number(i), first + i);
		CHECK_EQ(batch[i].priority, 1);
	}
}

static mqd_t new_queue(int flags, long maxmsg)
{
	return queue_create(0, O_RDWR | flags, maxmsg, SIZE);
}

static void sends_and_receives(long maxmsg)
{
	mqd_t queue = new_queue(0, maxmsg);
	say(0, MANY);
	errno = 0;
	CHECK_EQ(rsipc_mq_sendv(queue, batch, MANY), MANY);
	CHECK_EQ(queue_count(queue), MANY);
	offer(MANY);
	CHECK_EQ(rsipc_mq_recvv(queue, batch, MANY), MANY);
	check_numbers(0, MANY);
	CHECK_EQ(queue_count(queue), 0);
	CHECK_EQ(errno, 0);
}

CASE(batch_of_a_hundred_comes_in_its_order)
{
	sends_and_receives(MANY);
}

CASE(batch_of_a_hundred_comes_in_its_order_through_a_deep_queue)
{
	sends_and_receives(5000);
}

CASE(batch_is_received_in_the_order_of_priorities)
{
	mqd_t queue = new_queue(0, 10);
	say(0, 3);
	batch[0].priority = 1, batch[1].priority = 30000, batch[2].priority = 7;
	CHECK_EQ(rsipc_mq_sendv(queue, batch, 3), 3);
	offer(3);
	CHECK_EQ(rsipc_mq_recvv(queue, batch, 3), 3);
	CHECK_EQ(number(0), 1);
	CHECK_EQ(number(1), 2);
	CHECK_EQ(number(2), 0);
	CHECK_EQ(batch[0].priority, 30000);
}

CASE(batch_ends_where_the_queue_is_full)
{
	mqd_t queue = new_queue(0, 10);
	say(0, MANY);
	CHECK_EQ(rsipc_mq_sendv(queue, batch, MANY), 10);
	offer(MANY);
	CHECK_EQ(rsipc_mq_recvv(queue, batch, MANY), 10);
	check_numbers(0, 10);
}

CASE(batch_of_none_does_nothing)
{
	mqd_t queue = new_queue(0, 10);
	CHECK_EQ(rsipc_mq_sendv(queue, NULL, 0), 0);
	CHECK_EQ(rsipc_mq_recvv(queue, NULL, 0), 0);
	CHECK_FAILS(rsipc_mq_sendv(-1, NULL, 0), EBADF);
}

CASE(batch_that_cannot_begin_fails_as_one_message_does)
{
	mqd_t queue = new_queue(O_NONBLOCK, 2);
	say(0, 3);
	CHECK_FAILS(rsipc_mq_sendv(queue, NULL, 2), EFAULT);
	CHECK_FAILS(rsipc_mq_recvv(queue, NULL, 2), EFAULT);
	CHECK_FAILS(rsipc_mq_sendv(-1, batch, 2), EBADF);
	CHECK_FAILS(rsipc_mq_sendv(queue, batch, 0x80000000u), EINVAL);
	batch[0].priority = 32768;
	CHECK_FAILS(rsipc_mq_sendv(queue, batch, 3), EINVAL);
	batch[0].priority = 1, batch[0].length = SIZE + 1;
	CHECK_FAILS(rsipc_mq_sendv(queue, batch, 3), EMSGSIZE);
	offer(3);
	CHECK_FAILS(rsipc_mq_recvv(queue, batch, 3), EAGAIN);
	batch[0].length = SIZE - 1;
	CHECK_FAILS(rsipc_mq_recvv(queue, batch, 3), EMSGSIZE);
	CHECK_EQ(queue_count(queue), 0);
	queue_fill(queue);
	say(0, 3);
	CHECK_FAILS(rsipc_mq_sendv(queue, batch, 3), EAGAIN);
	CHECK_EQ(queue_count(queue), 2);
}

CASE(batch_ends_before_a_message_that_cannot_be_sent)
{
	mqd_t queue = new_queue(0, 10);
	say(0, 5);
	batch[3].length = SIZE + 1;
	CHECK_EQ(rsipc_mq_sendv(queue, batch, 5), 3);
	CHECK_EQ(queue_count(queue), 3);
	offer(5);
	batch[1].length = 1;
	CHECK_EQ(rsipc_mq_recvv(queue, batch, 5), 1);
	CHECK_EQ(number(0), 0);
	CHECK_EQ(batch[1].length, 1);
	CHECK_EQ(queue_count(queue), 2);
}

CASE(batch_of_a_descriptor_without_the_right_is_ebadf)
{
	mqd_t queue = new_queue(0, 10);
	mqd_t in = queue_again(0, O_RDONLY), out = queue_again(0, O_WRONLY);
	say(0, 2);
	CHECK_FAILS(rsipc_mq_sendv(in, batch, 2), EBADF);
	CHECK_EQ(rsipc_mq_sendv(out, batch, 2), 2);
	offer(2);
	CHECK_FAILS(rsipc_mq_recvv(out, batch, 2), EBADF);
	CHECK_EQ(rsipc_mq_recvv(in, batch, 2), 2);
	CHECK_EQ(queue_count(queue), 0);
}

/* Children that take one message each. */
static pid_t child_receives(mqd_t queue)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		char got[SIZE];
		CHECK(mq_receive(queue, got, SIZE, NULL) > 0);
		_exit(0);
	}
	CHECK_SOON(asleep(pid, pid));
	return pid;
}

CASE(batch_wakes_as_many_receivers_as_there_are_messages)
{
	enum { CHILDREN = 5 };
	mqd_t queue = new_queue(0, 10);
	pid_t children[CHILDREN];
	for (int i = 0; i < CHILDREN; i++)
		children[i] = child_receives(queue);
	say(0, CHILDREN);
	CHECK_EQ(rsipc_mq_sendv(queue, batch, CHILDREN), CHILDREN);
	for (int i = 0; i < CHILDREN; i++)
		check_child(children[i]);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(batch_makes_space_for_as_many_senders)
{
	enum { CHILDREN = 4 };
	mqd_t queue = new_queue(0, CHILDREN);
	pid_t children[CHILDREN];
	queue_fill(queue);
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = check_fork();
		if (children[i] == 0) {
			CHECK_OK(mq_send(queue, "late", 4, 0));
			_exit(0);
		}
		CHECK_SOON(asleep(children[i], children[i]));
	}
	offer(CHILDREN);
	CHECK_EQ(rsipc_mq_recvv(queue, batch, CHILDREN), CHILDREN);
	for (int i = 0; i < CHILDREN; i++)
		check_child(children[i]);
	CHECK_EQ(queue_count(queue), CHILDREN);
}

static void *receives_a_batch(void *queue)
{
	offer(MANY);
	int received = rsipc_mq_recvv((mqd_t)(long)queue, batch, MANY);
	return (void *)(long)received;
}

CASE(batch_waits_for_the_first_message)
{
	mqd_t queue = new_queue(0, 10);
	pthread_t thread = queue_thread_asleep(queue, receives_a_batch);
	void *received;
	queue_put(queue, "5", 1);
	CHECK_EQ(pthread_join(thread, &received), 0);
	CHECK_EQ((long)received, 1);
	CHECK_EQ(number(0), 5);
}

CASE(batch_that_is_cancelled_asleep_takes_nothing)
{
	queue_thread_is_cancelled_asleep(new_queue(0, 10), receives_a_batch);
}

static void handle(int signal)
{
	(void)signal;
}

CASE(batch_asleep_is_interrupted)
{
	mqd_t queue = new_queue(0, 10);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = handle }, NULL);
	pid_t pid = check_fork();
	if (pid == 0) {
		offer(2);
		CHECK_FAILS(rsipc_mq_recvv(queue, batch, 2), EINTR);
		_exit(0);
	}
	CHECK_SOON(asleep(pid, pid));
	CHECK_OK(kill(pid, SIGUSR1));
	check_child(pid);
}

CASE(batch_tells_a_poller_and_a_registered_process)
{
	mqd_t queue = new_queue(0, 10);
	struct pollfd fd = { queue, POLLIN, 0 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(mq_notify(queue, &event));
	CHECK_EQ(poll(&fd, 1, 0), 0);
	say(0, 3);
	CHECK_EQ(rsipc_mq_sendv(queue, batch, 3), 3);
	CHECK_EQ(poll(&fd, 1, 0), 1);
	CHECK_EQ(sigtimedwait(&set, NULL, &(struct timespec){ 10, 0 }), SIGUSR1);
	offer(3);
	CHECK_EQ(rsipc_mq_recvv(queue, batch, 3), 3);
	CHECK_EQ(poll(&fd, 1, 0), 0);
}

static mqd_t victims;

static void call_sendv(void)
{
	say(0, 3);
	rsipc_mq_sendv(victims, batch, 3);
}

/* Trials that run at the same time use one name, each for a moment. */
static mqd_t nameless_queue(void)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = SIZE };
	for (;;) {
		mqd_t queue = mq_open(queue_name(0), O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
		if (queue != (mqd_t)-1) {
			CHECK_OK(mq_unlink(queue_name(0)));
			return queue;
		}
		CHECK_EQ(errno, EEXIST);
		sched_yield();
	}
}

/* Whether this child has ended well, and had not before. */
static int has_ended(pid_t *child)
{
	int status;
	if (*child == 0 || waitpid(*child, &status, WNOHANG) != *child)
		return 0;
	CHECK_EQ(status, 0);
	*child = 0;
	return 1;
}

/* A batch of a process that is killed: the messages from the first one on, each whole, and the
 * sleepers have what there is. */
static int killed_trial(int steps)
{
	step_on_one_processor();
	victims = nameless_queue();
	pid_t first = child_receives(victims), second = child_receives(victims);
	pid_t victim = step_victim(call_sendv, call_sendv);
	/* What it rehearsed went to the two. */
	check_child(first);
	check_child(second);
	offer(1);
	CHECK_EQ(rsipc_mq_recvv(victims, batch, 1), 1);
	first = child_receives(victims), second = child_receives(victims);
	int in_call = step_many(victim, steps < 8 ? steps : 8 + (steps - 8) * 23);
	step_kill(victim);
	int served = 0;
	for (int looks = 0; looks < 3000 && (served < 2 || queue_count(victims) > 0); looks++) {
		if (served < 2 && queue_count(victims) == 0 &&
		    asleep(second ? second : first, second ? second : first))
			queue_put(victims, "9", 0);
		served += has_ended(&first) + has_ended(&second);
		if (served == 2 && queue_count(victims) > 0)
			queue_take(victims);
		pause_ms(1);
	}
	CHECK_EQ(served, 2);
	CHECK_EQ(queue_count(victims), 0);
	for (int i = 0; i < 20; i++) {
		queue_put(victims, "z", 0);
		queue_expect(victims, "z", 0);
	}
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(batch_killed_at_any_instruction_leaves_whole_messages_and_no_sleeper)
{
	int counts[STEP_ENDS] = { 0 };
	queue_name(0);
	step_trials(killed_trial, 4, counts);
	CHECK(counts[STEP_LATE] > 0 && counts[STEP_OVER] > 0);
}

CASE(batch_of_two_processes_loses_and_doubles_nothing)
{
	enum { TOTAL = 20000 };
	mqd_t queue = new_queue(0, 10);
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int sent = 0; sent < TOTAL;) {
			int count = TOTAL - sent < 32 ? TOTAL - sent : 32;
			say(sent, count);
			int done = rsipc_mq_sendv(queue, batch, (unsigned)count);
			CHECK(done > 0);
			sent += done;
		}
		_exit(0);
	}
	for (int received = 0; received < TOTAL;) {
		offer(32);
		int done = rsipc_mq_recvv(queue, batch, 32);
		CHECK(done > 0);
		check_numbers(received, done);
		received += done;
	}
	check_child(pid);
	CHECK_EQ(queue_count(queue), 0);
}
