/* SIGKILL, at rest and at work: what a killed process leaves behind, and that no other process
 * hangs because of it. */
#include "../support/queue.h"

static char got[SMALL_SIZE];

static pid_t blocked_receiver(mqd_t queue)
{
	pid_t child = check_fork();
	if (child == 0) {
		mq_receive(queue, got, sizeof got, NULL);
		_exit(1);
	}
	queue_await_asleep(child);
	return child;
}

static pid_t blocked_sender(mqd_t queue)
{
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "from the dead", 9);
		_exit(1);
	}
	queue_await_asleep(child);
	return child;
}

CASE(mq_killed_receiver_takes_nothing)
{
	mqd_t queue = queue_small(0);
	queue_kill_child(blocked_receiver(queue));
	queue_put(queue, "here", 0);
	CHECK_EQ(queue_count(queue), 1);
	queue_expect(queue, "here", 0);
}

CASE(mq_killed_receivers_are_not_counted_as_waiting)
{
	mqd_t queue = queue_small(0);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 10; i++)
		queue_kill_child(blocked_receiver(queue));
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	CHECK_OK(mq_notify(queue, &event));
	queue_put(queue, "here", 0);
	CHECK_EQ(sigtimedwait(&set, NULL, &(struct timespec){ 10, 0 }), SIGUSR2);
}

CASE(mq_killed_receiver_leaves_the_message_to_another)
{
	mqd_t queue = queue_small(0);
	pid_t first = blocked_receiver(queue);
	pid_t second = check_fork();
	if (second == 0) {
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
		_exit(0);
	}
	queue_await_asleep(second);
	queue_kill_child(first);
	queue_put(queue, "here", 0);
	check_child(second);
}

CASE(mq_killed_sender_sends_nothing)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	queue_kill_child(blocked_sender(queue));
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_killed_sender_leaves_the_space_to_another)
{
	mqd_t queue = queue_small(0);
	queue_fill(queue);
	pid_t first = blocked_sender(queue);
	pid_t second = check_fork();
	if (second == 0) {
		queue_put(queue, "alive", 9);
		_exit(0);
	}
	queue_await_asleep(second);
	queue_kill_child(first);
	queue_expect(queue, "filler", 1);
	check_child(second);
	queue_expect(queue, "alive", 9);
}

CASE(mq_unlinked_queue_of_a_killed_process_is_gone)
{
	queue_name(0);
	for (int i = 0; i < 30; i++) {
		/* All rounds together exceed the limit for queues: it only works if
		 * nothing stays. */
		pid_t child = check_fork();
		if (child == 0) {
			queue_create(0, O_RDWR, 10, 8192);
			CHECK_OK(mq_unlink(queue_name(0)));
			kill(getpid(), SIGKILL);
		}
		int status;
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), SIGKILL);
	}
}

/* Sends numbers without end; `sent` counts those whose call has returned. */
static pid_t endless_sender(mqd_t queue, atomic_int *sent)
{
	pid_t child = check_fork();
	for (int i = 0; child == 0; i++) {
		CHECK_OK(mq_send(queue, (char *)&i, sizeof i, 0));
		atomic_store(sent, i + 1);
	}
	return child;
}

CASE(mq_killed_senders_lose_nothing_they_were_told_of)
{
	mqd_t queue = queue_small(0);
	atomic_int *sent = shared_memory(sizeof *sent);
	for (int round = 0; round < 60; round++) {
		atomic_store(sent, 0);
		pid_t child = endless_sender(queue, sent);
		int next = 0, number;
		while (next < 20 + round * 7 % 50) {
			CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), sizeof number);
			memcpy(&number, got, sizeof number);
			CHECK_EQ(number, next);
			next++;
		}
		queue_kill_child(child);
		while (queue_count(queue)) {
			CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), sizeof number);
			memcpy(&number, got, sizeof number);
			CHECK_EQ(number, next);
			next++;
		}
		/* At most the last one got in although its call never returned. */
		CHECK(next == atomic_load(sent) || next == atomic_load(sent) + 1);
	}
	queue_fill(queue);
	CHECK_EQ(queue_count(queue), SMALL_DEPTH);
}

CASE(mq_killed_processes_hold_up_no_other)
{
	/* Others come and go by SIGKILL in mid-call, while we send and receive all the time. */
	mqd_t queue = queue_small(O_NONBLOCK);
	for (int round = 0; round < 100; round++) {
		pid_t child = check_fork();
		while (child == 0) {
			mq_send(queue, "by the other", 12, 3);
			mq_receive(queue, got, sizeof got, NULL);
		}
		double start = seconds_now();
		for (int i = 0; i < 200 + round; i++) {
			CHECK(mq_send(queue, "mine", 4, 3) == 0 || errno == EAGAIN);
			CHECK(mq_receive(queue, got, sizeof got, NULL) >= 0 || errno == EAGAIN);
		}
		queue_kill_child(child);
		CHECK(seconds_now() - start < 5);
	}
	while (queue_count(queue))
		CHECK_OK(mq_receive(queue, got, sizeof got, NULL));
	/* Every place is free again. */
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_put(queue, "filler", 1);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EAGAIN);
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(queue, "filler", 1);
}

static void share_one_cpu(void)
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	CHECK_OK(sched_setaffinity(0, sizeof cpus, &cpus));
}

CASE_BETTER(
	mq_message_of_a_receiver_killed_in_its_call_goes_back,
	"the kernel hands the message to the sleeping receiver; when that is killed before it runs, it is lost")
{
	/* The receiver sleeps on our CPU with the lowest claim to it: it dies before it
	 * runs again. */
	mqd_t queue = queue_small(0);
	atomic_int *returned = shared_memory(sizeof *returned);
	share_one_cpu();
	for (int round = 0; round < 50; round++) {
		atomic_store(returned, 0);
		pid_t child = check_fork();
		if (child == 0) {
			CHECK_OK(sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }));
			mq_receive(queue, got, sizeof got, NULL);
			atomic_store(returned, 1);
			for (;;)
				pause();
		}
		queue_await_asleep(child);
		queue_put(queue, "not lost", 3);
		queue_kill_child(child);
		if (atomic_load(returned)) {
			CHECK_EQ(queue_count(queue), 0);
			continue;
		}
		queue_expect(queue, "not lost", 3);
		CHECK_EQ(queue_count(queue), 0);
	}
}
