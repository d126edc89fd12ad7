/* Waiting for a loan or a message to borrow, and what wakes whom. */
#include "../support/loan.h"

static mqd_t queue;
static atomic_int done;

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec when;
	clock_gettime(clock, &when);
	when.tv_sec += ms / 1000;
	when.tv_nsec += ms % 1000 * 1000000;
	if (when.tv_nsec >= 1000000000) {
		when.tv_sec++;
		when.tv_nsec -= 1000000000;
	}
	return when;
}

CASE(loan_does_not_wait_with_o_nonblock)
{
	queue = queue_small(O_NONBLOCK);
	CHECK_FAILS_AS(borrow(queue), NULL, EAGAIN);
	queue_fill(queue);
	CHECK_FAILS_AS(loan(queue), NULL, EAGAIN);
	void *body = borrow(queue);
	CHECK(body);
	CHECK_FAILS_AS(loan(queue), NULL, EAGAIN);
	CHECK_OK(rsipc_mq_release(queue, body));
	CHECK(loan(queue));
}

CASE(loan_times_out_on_either_clock)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	queue = queue_small(0);
	for (int i = 0; i < 2; i++) {
		struct timespec soon = in_ms(clocks[i], 30), now;
		CHECK_FAILS_AS(rsipc_mq_borrow(queue, NULL, NULL, clocks[i], &soon), NULL,
			       ETIMEDOUT);
		clock_gettime(clocks[i], &now);
		CHECK(now.tv_sec > soon.tv_sec ||
		      (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
	}
	queue_fill(queue);
	for (int i = 0; i < 2; i++) {
		struct timespec soon = in_ms(clocks[i], 30);
		CHECK_FAILS_AS(rsipc_mq_loan(queue, 0, clocks[i], &soon), NULL, ETIMEDOUT);
	}
}

CASE(loan_with_a_time_that_has_passed_takes_what_is_there)
{
	struct timespec past = { 0 };
	queue = queue_small(0);
	void *memory = rsipc_mq_loan(queue, 0, CLOCK_MONOTONIC, &past);
	CHECK(memory);
	CHECK_OK(rsipc_mq_commit(queue, memory, 2, 0));
	CHECK(rsipc_mq_borrow(queue, NULL, NULL, CLOCK_MONOTONIC, &past));
	CHECK_FAILS_AS(rsipc_mq_borrow(queue, NULL, NULL, CLOCK_MONOTONIC, &past), NULL, ETIMEDOUT);
}

/* A child that waits like this, and a change that ends its wait. */
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

static void by_borrow(void)
{
	void *body = borrow(queue);
	CHECK(body);
	CHECK_OK(rsipc_mq_release(queue, body));
}

static void by_receive(void)
{
	queue_take(queue);
}

static void by_loan(void)
{
	CHECK(loan(queue));
}

static void by_send(void)
{
	queue_put(queue, "sent", 0);
}

CASE(loan_a_commit_wakes_those_who_wait_for_a_message)
{
	queue = queue_small(0);
	pid_t child = sleeper(by_receive);
	loan_put(queue, "here", 0);
	check_child(child);
	child = sleeper(by_borrow);
	loan_put(queue, "here", 0);
	check_child(child);
	child = sleeper(by_borrow);
	queue_put(queue, "more", 9);
	check_child(child);
}

CASE(loan_what_is_returned_wakes_those_who_wait_for_a_message)
{
	queue = queue_small(0);
	queue_put(queue, "there", 0);
	for (int i = 0; i < 2; i++) {
		void *body = borrow(queue);
		pid_t child = sleeper(i == 0 ? by_borrow : by_receive);
		CHECK_OK(rsipc_mq_return(queue, body));
		check_child(child);
		expect_no_message(queue);
		queue_put(queue, "there", 0);
	}
}

CASE(loan_what_is_released_wakes_those_who_wait_for_space)
{
	queue = queue_small(0);
	queue_fill(queue);
	void *body = borrow(queue);
	pid_t child = sleeper(by_send);
	CHECK_OK(rsipc_mq_release(queue, body));
	check_child(child);
	body = borrow(queue);
	child = sleeper(by_loan);
	CHECK_OK(rsipc_mq_release(queue, body));
	check_child(child);
}

CASE(loan_one_that_is_returned_wakes_those_who_wait_for_space)
{
	queue = queue_small(0);
	for (int i = 0; i < 2; i++) {
		void *memory = loan(queue);
		expect_room_for(queue, SMALL_DEPTH - 1);
		pid_t child = sleeper(i == 0 ? by_send : by_loan);
		CHECK_OK(rsipc_mq_return(queue, memory));
		check_child(child);
		while (queue_count(queue) > 0)
			queue_take(queue);
	}
}

static void keep_one_message(mqd_t of)
{
	CHECK(borrow(of));
}

static void keep_one_slot(mqd_t of)
{
	CHECK(loan(of));
}

CASE(loan_the_death_of_a_borrower_wakes_those_who_wait_for_a_message)
{
	queue = queue_small(0);
	for (int i = 0; i < 4; i++) {
		pid_t holder, child;
		/* The one who waits comes after the one who borrows, or before. */
		if (i < 2) {
			queue_put(queue, "there", 0);
			holder = child_that(keep_one_message, queue);
			child = sleeper(i % 2 ? by_borrow : by_receive);
		} else {
			child = sleeper(i % 2 ? by_borrow : by_receive);
			CHECK_OK(kill(child, SIGSTOP));
			queue_put(queue, "there", 0);
			holder = child_that(keep_one_message, queue);
			CHECK_OK(kill(child, SIGCONT));
			queue_await_asleep(child);
		}
		queue_kill_child(holder);
		check_child(child);
		expect_no_message(queue);
	}
}

CASE(loan_the_death_of_one_with_a_loan_wakes_those_who_wait_for_space)
{
	queue = queue_small(0);
	for (int i = 0; i < 2; i++) {
		pid_t holder = child_that(keep_one_slot, queue);
		expect_room_for(queue, SMALL_DEPTH - 1);
		pid_t child = sleeper(i == 0 ? by_send : by_loan);
		queue_kill_child(holder);
		check_child(child);
		while (queue_count(queue) > 0)
			queue_take(queue);
	}
}

static void keep_one_of_each(mqd_t of)
{
	CHECK(borrow(of) && loan(of));
}

/* Both directions sleep on one mark, and the kernel wakes one of them. */
CASE(loan_a_death_wakes_all_who_can_go_on)
{
	queue = queue_create(0, O_RDWR, 2, SMALL_SIZE);
	queue_put(queue, "there", 0);
	pid_t holder = child_that(keep_one_of_each, queue);
	struct timespec past = { 0 };
	CHECK_FAILS_AS(rsipc_mq_borrow(queue, NULL, NULL, CLOCK_MONOTONIC, &past), NULL, ETIMEDOUT);
	CHECK_FAILS_AS(rsipc_mq_loan(queue, 0, CLOCK_MONOTONIC, &past), NULL, ETIMEDOUT);
	pid_t senders[2], receivers[2];
	for (int i = 0; i < 2; i++) {
		senders[i] = sleeper(by_send);
		receivers[i] = sleeper(by_receive);
	}
	queue_kill_child(holder);
	/* Two are sent, and one was there: two are received. */
	for (int i = 0; i < 2; i++) {
		check_child(senders[i]);
		check_child(receivers[i]);
	}
	CHECK_EQ(queue_count(queue), 1);
}

CASE(loan_a_waiter_beside_a_living_holder_sleeps)
{
	queue = queue_small(0);
	queue_put(queue, "there", 0);
	CHECK(borrow(queue));
	pid_t child = sleeper(by_receive);
	char path[64];
	unsigned long before = 0, after = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)child);
	for (int i = 0; i < 2; i++) {
		char line[256];
		FILE *file = fopen(path, "r");
		CHECK(file);
		while (fgets(line, sizeof line, file))
			sscanf(line, "voluntary_ctxt_switches: %lu", i == 0 ? &before : &after);
		fclose(file);
		if (i == 0)
			pause_ms(1500);
	}
	CHECK(before > 0);
	/* One that looks now and then would have come back each millisecond, or each second. */
	CHECK_EQ(after, before);
	loan_put(queue, "new", 0);
	check_child(child);
}

static void *borrow_in_thread(void *unused)
{
	(void)unused;
	void *body = borrow(queue);
	atomic_store(&done, 1);
	return body;
}

CASE(loan_one_that_is_cancelled_in_its_sleep_has_nothing)
{
	queue = queue_small(0);
	pthread_t thread;
	void *result;
	CHECK_EQ(pthread_create(&thread, NULL, borrow_in_thread, NULL), 0);
	pause_ms(50);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(atomic_load(&done), 0);
	queue_put(queue, "there", 0);
	queue_expect(queue, "there", 0);
}

static void *loan_in_thread(void *unused)
{
	(void)unused;
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL), 0);
	pthread_cancel(pthread_self());
	CHECK_EQ(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL), 0);
	return loan(queue);
}

CASE(loan_is_a_cancellation_point)
{
	queue = queue_small(0);
	pthread_t thread;
	void *result;
	CHECK_EQ(pthread_create(&thread, NULL, loan_in_thread, NULL), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	expect_room_for(queue, SMALL_DEPTH);
}

static void note(int signal)
{
	(void)signal;
	atomic_fetch_add(&done, 1);
}

static atomic_int *is_ready;

/* With a first borrow that does not wait: it makes what the process needs to keep a message, and
 * may sleep for that. */
static void get_ready(int flags)
{
	expect_no_message(queue);
	atomic_store(&done, 0);
	struct sigaction action = { .sa_handler = note, .sa_flags = flags };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	atomic_store(is_ready, 1);
}

static pid_t sleeper_with_handler(void (*wait_for)(void))
{
	is_ready = is_ready ? is_ready : shared_memory(sizeof *is_ready);
	atomic_store(is_ready, 0);
	pid_t child = sleeper(wait_for);
	CHECK_SOON(atomic_load(is_ready));
	queue_await_asleep(child);
	return child;
}

static void interrupted_borrow(void)
{
	get_ready(0);
	CHECK_FAILS_AS(borrow(queue), NULL, EINTR);
	CHECK_EQ(atomic_load(&done), 1);
}

static void restarted_borrow(void)
{
	get_ready(SA_RESTART);
	CHECK(borrow(queue));
	CHECK_EQ(atomic_load(&done), 1);
}

CASE(loan_a_handler_ends_the_wait_or_it_goes_on)
{
	queue = queue_small(0);
	for (int kept = 0; kept < 2; kept++) {
		/* Beside one who keeps something the sleep is another one. */
		pid_t holder = kept ? child_that(keep_one_slot, queue) : 0;
		pid_t child = sleeper_with_handler(interrupted_borrow);
		CHECK_OK(kill(child, SIGUSR1));
		check_child(child);
		child = sleeper_with_handler(restarted_borrow);
		CHECK_OK(kill(child, SIGUSR1));
		queue_await_asleep(child);
		pause_ms(50);
		queue_await_asleep(child);
		loan_put(queue, "late", 0);
		check_child(child);
		if (holder)
			queue_kill_child(holder);
		queue_take(queue);
	}
}
