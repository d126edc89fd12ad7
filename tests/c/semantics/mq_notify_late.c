/* A sender is held up at any moment before or after the notification that its message brings. The
 * registered process receives the message meanwhile, and waits for the next one: no signal that
 * comes late ends that wait. */
#include <pthread.h>
#include "../support/step_queue.h"

/* The thread that receives. */
static _Atomic pid_t receiver;
static struct timespec late;

static void note(int signal)
{
	(void)signal;
}

static int receive_until(const struct timespec *when)
{
	char got[8];
	return mq_timedreceive(queue, got, sizeof got, NULL, when) == 1;
}

static void deliver_signals(int how)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(how, &set, NULL), 0);
}

/* What is there while the sender is held up; then all. */
static void *receive_two(void *unused)
{
	struct timespec past = { 0 };
	deliver_signals(SIG_UNBLOCK);
	int messages = receive_until(&past);
	receiver = gettid();
	for (; messages < 2; messages++)
		CHECK(receive_until(&late));
	return unused;
}

static int trial(int steps)
{
	struct sigaction action = { .sa_handler = note };
	pthread_t thread;
	late = deadline_ms(20000);
	step_queues(10);
	pid_t victim = step_victim(rehearse, send_one);
	deliver_signals(SIG_BLOCK);
	CHECK_OK(sigaction(SIGUSR2, &action, NULL));
	CHECK_OK(mq_notify(queue, &(struct sigevent){ .sigev_notify = SIGEV_SIGNAL,
						      .sigev_signo = SIGUSR2 }));
	int in_call = step_many(victim, steps);
	CHECK_EQ(pthread_create(&thread, NULL, receive_two, NULL), 0);
	CHECK_SOON(receiver && asleep(getpid(), receiver));
	CHECK_OK(ptrace(PTRACE_DETACH, victim, NULL, NULL));
	CHECK_SOON(step_stage() == 2);
	/* Whatever has ended the sleep has been seen to. */
	pause_ms(20);
	CHECK_OK(mq_send(queue, "y", 1, 0));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	step_kill(victim);
	return in_call ? STEP_EARLY : STEP_OVER;
}

CASE(mq_notify_by_a_sender_that_is_held_up_ends_no_wait)
{
	enum { STRIDE = 13 };
	int counts[STEP_ENDS] = { 0 };
	step_trials_by_stride(trial, STRIDE, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

static void take_back(int signal)
{
	(void)signal;
	CHECK_OK(mq_notify(queue, NULL));
}

CASE(mq_receive_is_ended_by_a_handler_that_takes_its_registration_back)
{
	struct sigaction action = { .sa_handler = take_back };
	late = deadline_ms(10000);
	step_queues(10);
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	CHECK_OK(mq_notify(queue, &(struct sigevent){ .sigev_notify = SIGEV_SIGNAL,
						      .sigev_signo = SIGUSR2 }));
	pid_t self = getpid(), child = check_fork();
	if (child == 0) {
		CHECK_SOON(asleep(self, self));
		_exit(kill(self, SIGUSR1) != 0);
	}
	CHECK(!receive_until(&late));
	CHECK_EQ(errno, EINTR);
	check_child(child);
}
