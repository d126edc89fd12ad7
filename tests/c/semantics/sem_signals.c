/* Signals: which waits they break off, and what a handler may do. */
#include <setjmp.h>
#include <sys/time.h>
#include "../support/sem.h"

static volatile sig_atomic_t handled;

static void counts(int number)
{
	(void)number;
	handled++;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	CHECK_OK(sigaction(number, &action, NULL));
}

/* A sleeping waiter whose thread is sent a signal; it is over when the handler has run. */
static void interrupt(struct waiter *waiter, sem_t *sem, int flags, int (*wait)(sem_t *))
{
	handled = 0;
	handle(SIGUSR1, counts, flags);
	waiter_start(waiter, sem, wait);
	CHECK_EQ(pthread_kill(waiter->thread, SIGUSR1), 0);
	CHECK_SOON(handled == 1);
}

static sem_t *private_sem(void)
{
	static sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 0));
	return &sem;
}

static void gives_eintr_on(sem_t *sem, int flags, int (*wait)(sem_t *))
{
	struct waiter waiter;
	interrupt(&waiter, sem, flags, wait);
	CHECK_SOON(waiter_done(&waiter));
	CHECK(waiter_join(&waiter) == NULL);
	CHECK_EQ(waiter.result, -1);
	CHECK_EQ(waiter.error, EINTR);
	CHECK_EQ(waiters_of(sem), 0);
	CHECK_EQ(value_of(sem), 0);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_wait(sem));
}

static void gives_eintr(int flags, int (*wait)(sem_t *))
{
	gives_eintr_on(private_sem(), flags, wait);
	gives_eintr_on(shared_sem(0), flags, wait);
	gives_eintr_on(open_new(check_name("named"), 0), flags, wait);
}

CASE(sem_wait_is_interrupted_by_a_handler)
{
	gives_eintr(0, by_wait);
}

CASE(sem_timedwait_is_interrupted_by_a_handler)
{
	gives_eintr(0, by_timedwait);
}

CASE(sem_clockwait_is_interrupted_by_a_handler)
{
	gives_eintr(0, by_clockwait);
}

CASE(sem_timedwait_is_interrupted_with_sa_restart_too)
{
	gives_eintr(SA_RESTART, by_timedwait);
}

CASE(sem_clockwait_is_interrupted_with_sa_restart_too)
{
	gives_eintr(SA_RESTART, by_clockwait);
}

static void goes_on_after_handlers(sem_t *sem)
{
	struct waiter waiter;
	interrupt(&waiter, sem, SA_RESTART, by_wait);
	for (int i = 2; i <= 20; i++) {
		CHECK_SOON(asleep(getpid(), waiter.tid));
		CHECK(!waiter_done(&waiter));
		CHECK_EQ(waiters_of(sem), 1);
		CHECK_EQ(pthread_kill(waiter.thread, SIGUSR1), 0);
		CHECK_SOON(handled == i);
	}
	CHECK_OK(sem_post(sem));
	CHECK(waiter_join(&waiter) == NULL);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_wait_goes_on_after_a_handler_with_sa_restart)
{
	goes_on_after_handlers(private_sem());
}

CASE(sem_wait_goes_on_after_a_handler_with_sa_restart_shared)
{
	goes_on_after_handlers(shared_sem(0));
}

CASE(sem_wait_goes_on_after_a_handler_with_sa_restart_named)
{
	goes_on_after_handlers(open_new(check_name("named"), 0));
}

/* However long it sleeps first: a wait that wakes up now and then by itself must not show it. */
static void sleeps_for_seconds(sem_t *sem)
{
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	nanosleep(&(struct timespec){ .tv_sec = 2, .tv_nsec = 500000000 }, NULL);
	CHECK(!waiter_done(&waiter));
	CHECK_EQ(waiters_of(sem), 1);
	CHECK_SOON(asleep(getpid(), waiter.tid));
	handle(SIGUSR1, counts, 0);
	CHECK_EQ(pthread_kill(waiter.thread, SIGUSR1), 0);
	waiter_join(&waiter);
	CHECK_EQ(waiter.error, EINTR);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(sem_wait_is_interrupted_after_seconds_of_sleep)
{
	sleeps_for_seconds(private_sem());
	sleeps_for_seconds(shared_sem(0));
}

/* An ignored signal is no interruption. */
static void sleeps_through(sem_t *sem, int number, int (*wait)(sem_t *))
{
	struct waiter waiter;
	waiter_start(&waiter, sem, wait);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(pthread_kill(waiter.thread, number), 0);
		CHECK_SOON(asleep(getpid(), waiter.tid));
	}
	CHECK(!waiter_done(&waiter));
	CHECK_OK(sem_post(sem));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
}

CASE(sem_waits_sleep_through_an_ignored_signal)
{
	handle(SIGUSR1, SIG_IGN, 0);
	sleeps_through(private_sem(), SIGUSR1, by_wait);
	sleeps_through(private_sem(), SIGUSR1, by_timedwait);
	sleeps_through(private_sem(), SIGUSR1, by_clockwait);
	sleeps_through(shared_sem(0), SIGUSR1, by_wait);
	sleeps_through(shared_sem(0), SIGUSR1, by_timedwait);
}

/* Stopped and continued without a handler, the wait goes on. */
static void survives_a_stop(int (*wait)(sem_t *))
{
	sem_t *sem = shared_sem(0);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(wait(sem));
		_exit(0);
	}
	CHECK_SOON(waiters_of(sem) == 1 && asleep(pid, pid));
	for (int i = 0; i < 5; i++) {
		int status;
		CHECK_OK(kill(pid, SIGSTOP));
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status));
		CHECK_OK(kill(pid, SIGCONT));
		CHECK_SOON(asleep(pid, pid));
	}
	CHECK_OK(sem_post(sem));
	check_child(pid);
}

CASE(sem_waits_survive_stop_and_continue)
{
	survives_a_stop(by_wait);
	survives_a_stop(by_timedwait);
	survives_a_stop(by_clockwait);
}

CASE(sem_wait_with_a_positive_value_is_not_interrupted)
{
	sem_t sem;
	CHECK_OK(sem_init(&sem, 0, 0));
	handle(SIGALRM, counts, 0);
	struct itimerval often = { { 0, 50 }, { 0, 50 } };
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	while (handled < 500) {
		CHECK_OK(sem_post(&sem));
		CHECK_OK(sem_wait(&sem));
	}
}

static sem_t *posted;

static void posts(int number)
{
	(void)number;
	int saved = errno;
	if (sem_post(posted) == 0)
		handled++;
	errno = saved;
}

CASE(sem_post_from_a_handler_wakes_the_thread_it_interrupted)
{
	posted = shared_sem(0);
	handle(SIGUSR1, posts, SA_RESTART);
	struct waiter waiter;
	waiter_start(&waiter, posted, by_wait);
	CHECK_EQ(pthread_kill(waiter.thread, SIGUSR1), 0);
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(value_of(posted), 0);
	CHECK_EQ(waiters_of(posted), 0);
}

CASE(sem_wait_interrupted_by_a_handler_that_posts_leaves_the_post)
{
	posted = shared_sem(0);
	handle(SIGUSR1, posts, 0);
	struct waiter waiter;
	waiter_start(&waiter, posted, by_wait);
	CHECK_EQ(pthread_kill(waiter.thread, SIGUSR1), 0);
	waiter_join(&waiter);
	/* EINTR with the value still positive, or a decrement without EINTR: one of the two. */
	CHECK_EQ(waiter.result == 0 ? 0 : waiter.error, waiter.result == 0 ? 0 : EINTR);
	CHECK_EQ(value_of(posted), waiter.result == 0 ? 0 : 1);
	CHECK_EQ(waiters_of(posted), 0);
}

CASE(sem_post_from_a_handler_wakes_another_process)
{
	posted = shared_sem(0);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_wait(posted));
		_exit(0);
	}
	CHECK_SOON(waiters_of(posted) == 1 && asleep(pid, pid));
	handle(SIGUSR1, posts, 0);
	CHECK_OK(raise(SIGUSR1));
	check_child(pid);
	CHECK_EQ(value_of(posted), 0);
}

CASE(sem_post_from_a_handler_in_the_middle_of_every_call)
{
	/* A timer strikes all over post, wait, trywait and getvalue of the same semaphore. */
	posted = shared_sem(0);
	handle(SIGALRM, posts, SA_RESTART);
	struct itimerval often = { { 0, 50 }, { 0, 50 } };
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	long own = 0, waited = 0;
	while (handled < 5000) {
		CHECK_OK(sem_post(posted));
		own++;
		CHECK_OK(sem_wait(posted));
		waited++;
		if (sem_trywait(posted) == 0)
			waited++;
		value_of(posted);
	}
	CHECK_OK(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL));
	CHECK_EQ(value_of(posted), own + handled - waited);
	CHECK_EQ(waiters_of(posted), 0);
}

CASE(sem_waits_fed_by_a_handler_only)
{
	posted = shared_sem(0);
	handle(SIGALRM, posts, SA_RESTART);
	struct itimerval often = { { 0, 200 }, { 0, 200 } };
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < 2000; i++)
		CHECK_OK(sem_wait(posted));
	CHECK_OK(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL));
	CHECK_EQ(value_of(posted), handled - 2000);
}

static sigjmp_buf back;

static void jumps(int number)
{
	siglongjmp(back, number);
}

CASE(sem_is_usable_after_a_jump_out_of_the_wait)
{
	posted = shared_sem(0);
	handle(SIGALRM, jumps, 0);
	for (volatile int i = 0; i < 50; i++)
		if (sigsetjmp(back, 1) == 0) {
			struct itimerval soon = { { 0, 0 }, { 0, 500 } };
			CHECK_OK(setitimer(ITIMER_REAL, &soon, NULL));
			sem_wait(posted);
			check_fail(__FILE__, __LINE__, "sem_wait returned");
		}
	CHECK_OK(sem_post(posted));
	CHECK_OK(sem_wait(posted));
	CHECK_FAILS(sem_trywait(posted), EAGAIN);
	struct waiter waiter;
	unsigned left = waiters_of(posted);
	waiter_start(&waiter, posted, by_wait);
	CHECK_OK(sem_post(posted));
	waiter_join(&waiter);
	CHECK_EQ(waiter.result, 0);
	CHECK_EQ(waiters_of(posted), left);
}
