/* The calls that are the C library's, in programs that have no queue: they do what they did
 * without us. */
#include "../support/check.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

/* What can be read, and what cannot. */
static int ready[2], quiet[2];

static void make_pipes(void)
{
	CHECK_OK(pipe(ready));
	CHECK_OK(pipe(quiet));
	CHECK_EQ(write(ready[1], "r", 1), 1);
}

CASE(load_select_gives_back_what_is_left)
{
	make_pipes();
	fd_set set;
	FD_ZERO(&set);
	FD_SET(ready[0], &set);
	struct timeval left = { .tv_sec = 5, .tv_usec = 1500000 };
	CHECK_EQ(select(ready[0] + 1, &set, NULL, NULL, &left), 1);
	CHECK(left.tv_sec == 6 && left.tv_usec < 500000);
	left = (struct timeval){ .tv_usec = 1000 };
	CHECK_EQ(select(0, NULL, NULL, NULL, &left), 0);
	CHECK(left.tv_sec == 0 && left.tv_usec == 0);
}

CASE(load_select_refuses_negative_times)
{
	CHECK_FAILS(select(0, NULL, NULL, NULL, &(struct timeval){ .tv_sec = -1 }), EINVAL);
	CHECK_FAILS(select(0, NULL, NULL, NULL, &(struct timeval){ .tv_usec = -1 }), EINVAL);
	CHECK_FAILS(select(-1, NULL, NULL, NULL, &(struct timeval){ 0 }), EINVAL);
}

CASE(load_pselect_and_ppoll_leave_the_time_alone)
{
	make_pipes();
	struct timespec briefly = { .tv_nsec = 1000000 };
	struct pollfd one = { .fd = quiet[0], .events = POLLIN };
	CHECK_EQ(ppoll(&one, 1, &briefly, NULL), 0);
	CHECK_EQ(pselect(0, NULL, NULL, NULL, &briefly, NULL), 0);
	CHECK(briefly.tv_sec == 0 && briefly.tv_nsec == 1000000);
	CHECK_FAILS(ppoll(&one, 1, &(struct timespec){ .tv_nsec = 1000000000 }, NULL), EINVAL);
	struct timespec bad = { .tv_nsec = -1 };
	CHECK_FAILS(pselect(0, NULL, NULL, NULL, &bad, NULL), EINVAL);
}

static volatile sig_atomic_t handled;

static void handle(int signal)
{
	handled = signal;
}

/* The signal is blocked but for the time of the call, which it ends. */
CASE(load_masks_hold_for_the_call)
{
	make_pipes();
	sigset_t blocked, none;
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &blocked, NULL));
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));

	CHECK_OK(raise(SIGUSR1));
	CHECK_FAILS(ppoll(NULL, 0, NULL, &none), EINTR);
	CHECK_EQ(handled, SIGUSR1);
	handled = 0;
	CHECK_OK(raise(SIGUSR1));
	CHECK_FAILS(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
	CHECK_EQ(handled, SIGUSR1);
}

CASE(load_poll_waits_for_its_time)
{
	make_pipes();
	struct pollfd fds[2] = { { .fd = quiet[0], .events = POLLIN },
				 { .fd = -1, .events = POLLIN } };
	CHECK_EQ(poll(fds, 2, 1), 0);
	CHECK_EQ(poll(fds, 2, 0), 0);
	fds[1].fd = ready[0];
	CHECK_EQ(poll(fds, 2, -7), 1);
	CHECK_EQ(fds[1].revents, POLLIN);
}

CASE(load_duplicates_are_the_kernels)
{
	make_pipes();
	int copy = dup(quiet[0]);
	CHECK_OK(copy);
	CHECK_EQ(dup2(copy, copy), copy);
	CHECK_EQ(dup2(copy, 200), 200);
	CHECK_EQ(fcntl(200, F_GETFD), 0);
	CHECK_EQ(dup3(copy, 200, O_CLOEXEC), 200);
	CHECK_EQ(fcntl(200, F_GETFD), FD_CLOEXEC);
	CHECK_FAILS(dup3(copy, copy, 0), EINVAL);
	CHECK_FAILS(dup3(copy, 200, O_APPEND), EINVAL);
	CHECK_OK(close(copy));
	CHECK_FAILS(close(copy), EBADF);
	CHECK_FAILS(dup(copy), EBADF);
	CHECK_FAILS(dup2(copy, copy), EBADF);
	CHECK_FAILS(dup2(quiet[0], -1), EBADF);
	CHECK_FAILS(epoll_ctl(copy, EPOLL_CTL_ADD, quiet[0], NULL), EFAULT);
}

CASE(load_calls_that_succeed_leave_errno_alone)
{
	make_pipes();
	struct pollfd one = { .fd = ready[0], .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	errno = 4711;
	CHECK_EQ(poll(&one, 1, 0), 1);
	CHECK_EQ(select(0, NULL, NULL, NULL, &(struct timeval){ 0 }), 0);
	CHECK_OK(dup2(quiet[0], 100));
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, ready[0], &event));
	CHECK_OK(close(100));
	CHECK_EQ(errno, 4711);
}

/* Each of the calls that wait, in turn. */
static void wait_in_poll(void)
{
	poll(NULL, 0, -1);
}

static void wait_in_ppoll(void)
{
	ppoll(NULL, 0, NULL, NULL);
}

static void wait_in_select(void)
{
	select(0, NULL, NULL, NULL, NULL);
}

static void wait_in_pselect(void)
{
	pselect(0, NULL, NULL, NULL, NULL, NULL);
}

static void (*const waits[])(void) = {
	wait_in_poll, wait_in_ppoll, wait_in_select, wait_in_pselect
};

static void clean_up(void *done)
{
	*(int *)done = 1;
}

static int cleaned_up;

static void *wait_for_ever(void *wait)
{
	pthread_cleanup_push(clean_up, &cleaned_up);
	(*(void (*const *)(void))wait)();
	pthread_cleanup_pop(0);
	return NULL;
}

static void is_cancelled(pthread_t thread)
{
	void *result;
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(cleaned_up, 1);
	cleaned_up = 0;
}

CASE(load_waits_are_cancellation_points)
{
	for (int i = 0; i < 4; i++) {
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, wait_for_ever, (void *)&waits[i]), 0);
		/* Both before the wait and in it. */
		if (i % 2)
			usleep(2000);
		is_cancelled(thread);
	}
}

static void *close_cancelled(void *unused)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	pthread_cleanup_push(clean_up, &cleaned_up);
	/* None of these is a cancellation point. */
	CHECK_OK(dup2(quiet[0], 100));
	CHECK_OK(close_range(100, 100, 0));
	CHECK_FAILS(fcntl(100, F_GETFD), EBADF);
	close(quiet[0]);
	pthread_cleanup_pop(0);
	return unused;
}

CASE(load_close_is_a_cancellation_point)
{
	make_pipes();
	void *result;
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, close_cancelled, NULL), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(cleaned_up, 1);
	/* It acts on the cancellation before it closes. */
	CHECK_OK(fcntl(quiet[0], F_GETFD));
}
