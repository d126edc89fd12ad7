/* Waits that a timer interrupts around whole seconds after their beginning, many at once. */
#ifndef SUPPORT_INTERRUPTED_H
#define SUPPORT_INTERRUPTED_H

#include <semaphore.h>
#include <sys/time.h>
#include "queue.h"

enum {
	/* Timers come from so long before the second to so long after it, in so many steps. */
	AROUND_US = 1000,
	STEPS = 41,
	/* A wait that goes on is fed so long after its signal; one that should not have, after so
	   long. */
	FEED_MS = 700,
	GIVE_UP_MS = 4000,
};

/* A call that waits for ever, or very long. The semaphore, or the queue, is the process's own. */
struct wait_kind {
	const char *name;
	int (*wait)(void);
	bool is_private;
	bool is_full;     /* the queue */
	bool is_restarted; /* with SA_RESTART */
};

static sem_t *own_sem, private_sem;
static mqd_t own_queue;
static struct timespec very_late, very_late_by_clock;
static atomic_int interruptions;

static int wait_sem(void)
{
	return sem_wait(own_sem);
}

static int wait_sem_in_time(void)
{
	return sem_timedwait(own_sem, &very_late);
}

static int wait_sem_by_clock(void)
{
	return sem_clockwait(own_sem, CLOCK_MONOTONIC, &very_late_by_clock);
}

static int wait_to_receive(void)
{
	char got[16];
	return mq_receive(own_queue, got, sizeof got, NULL) == -1 ? -1 : 0;
}

static int wait_to_receive_in_time(void)
{
	char got[16];
	return mq_timedreceive(own_queue, got, sizeof got, NULL, &very_late) == -1 ? -1 : 0;
}

static int wait_to_send(void)
{
	return mq_send(own_queue, "late", 4, 0);
}

static int wait_to_send_in_time(void)
{
	return mq_timedsend(own_queue, "late", 4, 0, &very_late);
}

static const struct wait_kind wait_kinds[] = {
	{ "sem_wait", wait_sem, false, false, true },
	{ "sem_wait_private", wait_sem, true, false, true },
	{ "sem_timedwait", wait_sem_in_time, false, false, false },
	{ "sem_timedwait_private", wait_sem_in_time, true, false, false },
	{ "sem_clockwait", wait_sem_by_clock, false, false, false },
	{ "sem_clockwait_private", wait_sem_by_clock, true, false, false },
	{ "mq_receive", wait_to_receive, false, false, true },
	{ "mq_timedreceive", wait_to_receive_in_time, false, false, true },
	{ "mq_send", wait_to_send, false, true, true },
	{ "mq_timedsend", wait_to_send_in_time, false, true, true },
};

static void count_interruption(int signal)
{
	(void)signal;
	atomic_fetch_add(&interruptions, 1);
}

/* Ends the wait by what it waits for. */
static void feed(const struct wait_kind *kind)
{
	char got[16];
	if (kind->wait == wait_sem || kind->wait == wait_sem_in_time ||
	    kind->wait == wait_sem_by_clock)
		CHECK_OK(sem_post(own_sem));
	else if (kind->is_full)
		CHECK_OK(mq_receive(own_queue, got, sizeof got, NULL));
	else
		CHECK_OK(mq_send(own_queue, "x", 1, 0));
}

static void make_own(const struct wait_kind *kind)
{
	char name[64];
	snprintf(name, sizeof name, "/chk.%d.eintr.%d", (int)check_names->owner, (int)getpid());
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 16 };
	own_queue = queue_create_patiently(name, &attr);
	CHECK_OK(mq_unlink(name));
	if (kind->is_full)
		CHECK_OK(mq_send(own_queue, "full", 4, 0));
	own_sem = kind->is_private ? &private_sem : shared_memory(sizeof *own_sem);
	CHECK_OK(sem_init(own_sem, !kind->is_private, 0));
	very_late = deadline_ms(300000);
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &very_late_by_clock));
	very_late_by_clock.tv_sec += 300;
}

/* What one wait is about. */
struct interrupted {
	const struct wait_kind *kind;
	long after_us; /* the timer */
	bool goes_on;
};

static void *feed_in_the_end(void *wait)
{
	const struct interrupted *one = wait;
	pause_ms(one->after_us / 1000 + (one->goes_on ? FEED_MS : GIVE_UP_MS));
	feed(one->kind);
	return NULL;
}

static void start_timer(struct interrupted *one, int flags)
{
	struct sigaction action = { .sa_handler = count_interruption, .sa_flags = flags };
	struct itimerval timer = { .it_value = { one->after_us / 1000000,
						 one->after_us % 1000000 } };
	sigset_t set;
	pthread_t feeder;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	/* The timer is to strike the thread that waits. */
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_EQ(pthread_create(&feeder, NULL, feed_in_the_end, one), 0);
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
}

/* One wait, in a process of its own. Its timer runs out after so many microseconds. */
static void wait_once(const struct wait_kind *kind, long after_us, int flags)
{
	struct interrupted one = { kind, after_us, flags & SA_RESTART && kind->is_restarted };
	make_own(kind);
	start_timer(&one, flags);
	int result = kind->wait(), error = errno;
	if (result == 0 && !one.goes_on)
		check_fail(__FILE__, __LINE__, "%s outlived its signal after %ld us (%d handled)",
			   kind->name, after_us, interruptions);
	if (result == -1 && (one.goes_on || error != EINTR))
		check_fail(__FILE__, __LINE__, "%s ended with %s, interrupted after %ld us",
			   kind->name, strerrorname_np(error), after_us);
	_exit(0);
}

/* Waits of one kind, `count` at once, each with another timer around that second. */
__attribute__((unused))
static void interrupt_around(const struct wait_kind *kind, int seconds, int count, int flags)
{
	pid_t children[count];
	for (int i = 0; i < count; i++) {
		long offset = -AROUND_US + 2L * AROUND_US * i / (count - 1);
		children[i] = check_fork();
		if (children[i] == 0)
			wait_once(kind, seconds * 1000000L + offset, flags);
	}
	for (int i = 0; i < count; i++)
		check_child(children[i]);
}

__attribute__((unused)) static const struct wait_kind *wait_kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof wait_kinds / sizeof wait_kinds[0]; i++)
		if (strcmp(wait_kinds[i].name, name) == 0)
			return &wait_kinds[i];
	check_fail(__FILE__, __LINE__, "no kind of wait is called %s", name);
}

#endif
