/* A signal that strikes the main thread when it sleeps in a call on the queue. */
#ifndef STRIKE_H
#define STRIKE_H

#include "queue.h"

static mqd_t queue;
static atomic_int handled;
static char got[SMALL_SIZE];

static inline void count_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&handled, 1);
}

/* SIGUSR1 strikes; SIGUSR2 announces a message and is only ever waited for. */
static inline void handle(int flags, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	sigset_t announced;
	sigemptyset(&announced);
	sigaddset(&announced, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &announced, NULL));
}

/* The other thread: strikes when the main one sleeps, waits until that had its effect. */
static struct {
	pthread_t main;
	pid_t main_tid;
	void (*then)(void);
} other;

static inline void *strike(void *unused)
{
	(void)unused;
	queue_await_asleep(other.main_tid);
	CHECK_EQ(pthread_kill(other.main, SIGUSR1), 0);
	while (!atomic_load(&handled))
		pause_ms(1);
	if (other.then) {
		queue_await_asleep(other.main_tid);
		other.then();
	}
	return NULL;
}

static inline pthread_t strike_when_asleep(void (*then)(void))
{
	pthread_t thread;
	other.main = pthread_self();
	other.main_tid = gettid();
	other.then = then;
	CHECK_EQ(pthread_create(&thread, NULL, strike, NULL), 0);
	return thread;
}

static inline void send_wake(void)
{
	queue_put(queue, "wake", 0);
}

static inline void make_room(void)
{
	queue_expect(queue, "filler", 1);
}

static inline int receive(void)
{
	return (int)mq_receive(queue, got, sizeof got, NULL);
}

static inline int receive_before(long ms)
{
	struct timespec when = deadline_ms(ms);
	return (int)mq_timedreceive(queue, got, sizeof got, NULL, &when);
}

static inline int send_before(long ms)
{
	struct timespec when = deadline_ms(ms);
	return mq_timedsend(queue, "late", 4, 0, &when);
}

#endif
