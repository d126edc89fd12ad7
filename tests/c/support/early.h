/* Calls that are struck by a signal soon after they have begun, before the thread sleeps.
 *
 * A child gives what the call waits for several times in a row, a few microseconds after it has
 * begun: the next call then expects that, and is not quick to sleep. That one gets a signal. It is
 * lost if the handler has run, and the thread sleeps all the same. A signal that comes between the
 * note that the call begins, and the call, is lost in any case, which is rare. */
#ifndef SUPPORT_EARLY_H
#define SUPPORT_EARLY_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "asleep.h"
#include "common_memory.h"

enum {
	STRIKES = 100,
	/* On a machine with much to do, some come as the call is only about to begin. Where those
	 * in a yield were lost, it was a tenth of all at least. */
	LOST_AT_MOST = 8,
	GIFTS = 4,
	/* A gift or a signal comes so long after the call has begun, at most. */
	EARLY_NS = 6000,
	LOOKS = 3,
};

struct early {
	/* The call, and what it waits for. The call must not end otherwise. */
	int (*wait)(void);
	void (*give)(void);
	/* With these flags of the handler it goes on. */
	int restarts;
};

static struct strikes {
	atomic_int begun, ended, failed, handled;
	atomic_bool is_over;
	pid_t pid, tid;
} *strikes;

static void count_strike(int signal)
{
	(void)signal;
	atomic_fetch_add(&strikes->handled, 1);
}

static cpu_set_t processors;

/* Stays there, if there are so many. */
static void go_to_processor(int number)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	for (int i = 0, found = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &processors) && found++ == number)
			CPU_SET(i, &one);
	if (CPU_COUNT(&one) > 0)
		CHECK_OK(sched_setaffinity(0, sizeof one, &one));
}

/* The same as CHECK_SOON, and without a delay at first. */
#define CHECK_SOON_YIELDING(condition)                                               \
	do {                                                                         \
		for (int looks_ = 0; looks_ < 1000 && !(condition); looks_++)        \
			sched_yield();                                               \
		CHECK_SOON(condition);                                               \
	} while (0)

static long long nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Waits until a call has begun, and for a moment. */
static void await_call(unsigned *seed)
{
	CHECK_SOON_YIELDING(strikes->begun != strikes->ended);
	long long end = nanoseconds() + 1000 + rand_r(seed) % EARLY_NS;
	while (nanoseconds() < end)
		;
}

static bool has_ended(int call)
{
	return strikes->ended >= call;
}

/* Whether the call that the signal struck has ended, or sleeps. */
static bool has_settled(int call)
{
	for (int looks = 0; looks < LOOKS; looks++) {
		if (has_ended(call))
			return true;
		if (!asleep(strikes->pid, strikes->tid))
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

static void give_one(const struct early *early)
{
	int call = strikes->begun;
	early->give();
	CHECK_SOON_YIELDING(has_ended(call));
}

/* One signal. Returns whether the call went on. */
static bool strike_once(const struct early *early, unsigned *seed)
{
	for (int gifts = 0; gifts < GIFTS; gifts++) {
		await_call(seed);
		give_one(early);
	}
	await_call(seed);
	int call = strikes->begun, handled = strikes->handled;
	CHECK_OK(kill(strikes->pid, SIGALRM));
	CHECK_SOON(strikes->handled > handled);
	CHECK_SOON(has_settled(call));
	bool goes_on = !has_ended(call);
	if (goes_on)
		give_one(early);
	return goes_on;
}

static int strike(const struct early *early)
{
	int went_on = 0;
	unsigned seed = (unsigned)getpid();
	for (int i = 0; i < STRIKES; i++) {
		/* First where the calls are, then elsewhere. */
		if (i == 0 || i == STRIKES / 2)
			go_to_processor(i != 0);
		went_on += strike_once(early, &seed);
	}
	strikes->is_over = true;
	await_call(&seed);
	give_one(early);
	return went_on;
}

/* The calls go on if they are to, and end otherwise. */
__attribute__((unused)) static void strike_early(const struct early *early, int flags)
{
	struct sigaction action = { .sa_handler = count_strike, .sa_flags = flags };
	bool must_go_on = (flags & early->restarts) != 0;
	strikes = common_memory(sizeof *strikes);
	CHECK_OK(sched_getaffinity(0, sizeof processors, &processors));
	strikes->pid = strikes->tid = getpid();
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	pid_t child = check_fork();
	if (child == 0) {
		int went_on = strike(early);
		if (!must_go_on && went_on > LOST_AT_MOST)
			check_fail(__FILE__, __LINE__, "%d of %d signals were lost", went_on,
				   STRIKES);
		_exit(0);
	}
	go_to_processor(0);
	while (!strikes->is_over) {
		strikes->begun++;
		int result = early->wait(), error = errno;
		if (result == -1 && (must_go_on || error != EINTR))
			check_fail(__FILE__, __LINE__, "the call ended with %s",
				   strerrorname_np(error));
		strikes->ended++;
	}
	check_child(child);
}

#endif
