/* Before and after each system call of an operation another process fills the FIFO behind the
 * queue's descriptor, or empties it: an operation that changes a queue which is polled goes on all
 * the same. Any process that may open a queue can do that. */
#include "../support/step_queue.h"

/* The descriptor as a file of its own, which does not block. */
static int open_anew(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", (int)queue);
	int file = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	CHECK_OK(file);
	return file;
}

/* The kernel's queue cannot be written to: EINVAL. */
static void fill(int file)
{
	static const char bytes[512];
	while (write(file, bytes, sizeof bytes) > 0)
		;
	CHECK(errno == EAGAIN || errno == EINVAL);
}

/* Of the kernel's queue there is a line of text to be read, once. */
static void drain(int file)
{
	char bytes[512];
	while (read(file, bytes, sizeof bytes) > 0)
		;
}

/* For a while the queue counts as polled. By a process that then ends, as a living one would repair
 * what it polls. */
static void poll_once(void)
{
	pid_t poller = check_fork();
	if (poller == 0) {
		struct pollfd polled = { queue, POLLIN | POLLOUT, 0 };
		_exit(poll(&polled, 1, 0) != 1);
	}
	check_child(poller);
}

static int meddled_trial(int stops, void (*call)(void), void (*meddle)(int))
{
	step_queues(2);
	if (call == receive_one)
		send_one();
	int file = open_anew();
	long before = queue_count(queue);
	poll_once();
	pid_t victim = step_victim(rehearse, call);
	while (stops-- > 0 && step_stage() == 1)
		CHECK(step_on(PTRACE_SYSCALL, victim));
	int in_call = step_stage() == 1;
	meddle(file);
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	CHECK_EQ(queue_count(queue), 1 - before);
	kill(victim, SIGKILL);
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	return in_call ? STEP_EARLY : STEP_OVER;
}

static void each_stop_of_a_meddled_one(int (*trial)(int))
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0);
}

static int filled_under_sender_trial(int stops)
{
	return meddled_trial(stops, send_one, fill);
}

static int emptied_under_receiver_trial(int stops)
{
	return meddled_trial(stops, receive_one, drain);
}

CASE(mq_sender_goes_on_while_another_fills_what_is_polled)
{
	each_stop_of_a_meddled_one(filled_under_sender_trial);
}

CASE(mq_receiver_goes_on_while_another_empties_what_is_polled)
{
	each_stop_of_a_meddled_one(emptied_under_receiver_trial);
}
