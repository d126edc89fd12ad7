/* What a commit, a return and a death tell those who poll or are registered; many threads. */
#include "../support/loan.h"

static mqd_t queue;

/* A child that waits like this. */
static pid_t sleeper(void (*wait_for)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		wait_for();
		_exit(0);
	}
	queue_await_asleep(child);
	return child;
}

static void keep_one_message(mqd_t of)
{
	CHECK(borrow(of));
}

CASE(loan_poll_follows_what_is_kept)
{
	queue = queue_small(O_NONBLOCK);
	CHECK_EQ(queue_events(queue), POLLOUT);
	void *memory = loan(queue);
	CHECK_EQ(queue_events(queue), POLLOUT);
	CHECK_OK(rsipc_mq_commit(queue, memory, 1, 0));
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	void *body = borrow(queue);
	CHECK_EQ(queue_events(queue), POLLOUT);
	CHECK_OK(rsipc_mq_return(queue, body));
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	queue_fill(queue);
	CHECK_EQ(queue_events(queue), POLLIN);
	body = borrow(queue);
	CHECK_EQ(queue_events(queue), POLLIN);
	CHECK_OK(rsipc_mq_release(queue, body));
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	memory = loan(queue);
	CHECK_EQ(queue_events(queue), POLLIN);
	CHECK_OK(rsipc_mq_return(queue, memory));
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
}

CASE(loan_poll_of_a_deep_queue_follows_what_is_kept)
{
	enum { HALF = 50 };
	queue = queue_create(0, O_RDWR, 2L * HALF, SMALL_SIZE);
	void *memory = loan(queue);
	for (int i = 1; i < HALF; i++)
		CHECK(loan(queue));
	for (int i = 0; i < HALF; i++) {
		CHECK_EQ(queue_events(queue), i > 0 ? POLLIN | POLLOUT : POLLOUT);
		queue_put(queue, "one", 0);
	}
	CHECK_EQ(queue_events(queue), POLLIN);
	CHECK_OK(rsipc_mq_return(queue, memory));
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	queue_put(queue, "last", 0);
	CHECK_EQ(queue_events(queue), POLLIN);
	for (int i = 0; i < HALF; i++)
		CHECK(borrow(queue));
	CHECK_EQ(queue_events(queue), POLLIN);
	queue_expect(queue, "last", 0);
	CHECK_EQ(queue_events(queue), POLLOUT);
}

static void by_poll(void)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, -1), 1);
	CHECK_EQ(fd.revents, POLLIN);
}

CASE(loan_a_commit_or_a_return_ends_a_poll)
{
	queue = queue_small(0);
	pid_t child = sleeper(by_poll);
	loan_put(queue, "here", 0);
	check_child(child);
	void *body = borrow(queue);
	child = sleeper(by_poll);
	CHECK_OK(rsipc_mq_return(queue, body));
	check_child(child);
}

CASE(loan_poll_shows_what_a_dead_one_had)
{
	queue = queue_small(0);
	CHECK_EQ(queue_events(queue), POLLOUT);
	queue_put(queue, "there", 0);
	pid_t holder = child_that(keep_one_message, queue);
	CHECK_EQ(queue_events(queue), POLLOUT);
	queue_kill_child(holder);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
}

static void expect_signal(int signal, bool comes)
{
	sigset_t set;
	struct timespec limit = { comes ? 10 : 0, 0 };
	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK_EQ(sigtimedwait(&set, NULL, &limit), comes ? signal : -1);
}

static void ask(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	CHECK_OK(mq_notify(queue, &event));
}

CASE(loan_a_commit_into_the_empty_queue_notifies)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	queue = queue_small(0);
	ask();
	loan_put(queue, "first", 1);
	expect_signal(SIGUSR2, true);
	ask();
	loan_put(queue, "second", 1);
	expect_signal(SIGUSR2, false);
	/* What is borrowed is not in the queue. */
	CHECK(borrow(queue) && borrow(queue));
	loan_put(queue, "third", 1);
	expect_signal(SIGUSR2, true);
}

CASE(loan_what_is_returned_to_the_empty_queue_notifies)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	queue = queue_small(0);
	queue_put(queue, "there", 1);
	void *body = borrow(queue);
	ask();
	CHECK_OK(rsipc_mq_return(queue, body));
	expect_signal(SIGUSR2, true);
}

enum { THREADS = 4, ROUNDS = 4000 };

static atomic_ulong sum;

static void *send_many(void *unused)
{
	(void)unused;
	for (unsigned long i = 1; i <= ROUNDS; i++) {
		unsigned long *body = rsipc_mq_loan(queue, RSIPC_MQ_LOAN_ALL, CLOCK_REALTIME, NULL);
		while (!body && errno == ENOBUFS) {
			sched_yield();
			body = rsipc_mq_loan(queue, RSIPC_MQ_LOAN_ALL, CLOCK_REALTIME, NULL);
		}
		CHECK(body);
		body[0] = body[1] = i;
		CHECK_OK(rsipc_mq_commit(queue, body, 2 * sizeof *body, (unsigned)i % 3));
	}
	return NULL;
}

static void *receive_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < ROUNDS;) {
		size_t length = 0;
		unsigned long *body = rsipc_mq_borrow(queue, &length, NULL, CLOCK_REALTIME, NULL);
		CHECK(body);
		CHECK_EQ(length, 2 * sizeof *body);
		CHECK_EQ(body[0], body[1]);
		if (rand() % 8 == 0) {
			CHECK_OK(rsipc_mq_return(queue, body));
			continue;
		}
		atomic_fetch_add(&sum, body[0]);
		CHECK_OK(rsipc_mq_release(queue, body));
		i++;
	}
	return NULL;
}

CASE(loan_by_many_threads_at_once)
{
	for (int round = 0; round < 2; round++) {
		pthread_t threads[2 * THREADS];
		queue = queue_create(round, O_RDWR, round ? 100 : 8, SMALL_SIZE);
		atomic_store(&sum, 0);
		for (int i = 0; i < 2 * THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, i % 2 ? send_many : receive_many,
						NULL), 0);
		for (int i = 0; i < 2 * THREADS; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
		CHECK_EQ(atomic_load(&sum), (unsigned long)THREADS * ROUNDS * (ROUNDS + 1) / 2);
		expect_no_message(queue);
		expect_room_for(queue, round ? 100 : 8);
	}
}
