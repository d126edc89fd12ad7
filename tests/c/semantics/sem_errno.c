/* A call that succeeds leaves errno alone: each function on semaphores and shared
 * memory objects. */
#include "../support/sem.h"
#include "../support/untouched.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/time.h>

CASE(sem_open_and_its_kin_keep_errno)
{
	const char *name = check_name("errno");
	sem_t *sem, *again, own;
	CHECK_KEEPS_AS(sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1), SEM_FAILED);
	CHECK_KEEPS_AS(again = sem_open(name, 0), SEM_FAILED);
	CHECK_KEEPS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED);
	CHECK_KEEPS(sem_close(again));
	CHECK_KEEPS(sem_close(sem));
	CHECK_KEEPS(sem_close(sem));
	CHECK_KEEPS_AS(sem_open(name, O_CREAT, 0600, 1), SEM_FAILED);
	CHECK_KEEPS(sem_unlink(name));
	CHECK_KEEPS(sem_init(&own, 0, 1));
	CHECK_KEEPS(sem_destroy(&own));
}

CASE(sem_calls_that_do_not_wait_keep_errno)
{
	sem_t *sem = shared_sem(1);
	int value;
	struct timespec late = from_now(CLOCK_REALTIME, 60000);
	CHECK_KEEPS(sem_wait(sem));
	CHECK_KEEPS(sem_post(sem));
	CHECK_KEEPS(sem_trywait(sem));
	CHECK_KEEPS(sem_post(sem));
	CHECK_KEEPS(sem_timedwait(sem, &late));
	CHECK_KEEPS(sem_post(sem));
	CHECK_KEEPS(sem_clockwait(sem, CLOCK_REALTIME, &late));
	CHECK_KEEPS(sem_getvalue(sem, &value));
}

struct late_post {
	sem_t *sem;
	long ms;
};

static void *post_later(void *arg)
{
	const struct late_post *post = arg;
	nanosleep(&(struct timespec){ post->ms / 1000, post->ms % 1000 * 1000000 }, NULL);
	CHECK_KEEPS(sem_post(post->sem));
	return NULL;
}

CASE(sem_waits_that_sleep_keep_errno)
{
	static const long delays_ms[] = { 0, 1, 20, 1300 };
	static int (*const ways[])(sem_t *) = { by_wait, by_timedwait, by_clockwait };
	static sem_t own;
	sem_t *const kinds[] = { shared_sem(0), &own };
	CHECK_OK(sem_init(&own, 0, 0));
	for (int delay = 0; delay < 4; delay++)
		for (int i = 0; i < 6; i++) {
			pthread_t poster;
			struct late_post post = { kinds[i % 2], delays_ms[delay] };
			CHECK_EQ(pthread_create(&poster, NULL, post_later, &post), 0);
			CHECK_KEEPS(ways[i / 2](post.sem));
			CHECK_EQ(pthread_join(poster, NULL), 0);
		}
}

static atomic_int handled;

static void handle_alarm(int signal)
{
	(void)signal;
	atomic_fetch_add(&handled, 1);
}

CASE(sem_wait_that_goes_on_after_a_handler_keeps_errno)
{
	struct sigaction action = { .sa_handler = handle_alarm, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, 3000 }, { 0, 3000 } };
	sem_t *sem = shared_sem(0);
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	pthread_t poster;
	struct late_post post = { sem, 60 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(pthread_create(&poster, NULL, post_later, &post), 0);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
	CHECK_KEEPS(sem_wait(sem));
	CHECK(handled > 0);
	CHECK_EQ(pthread_join(poster, NULL), 0);
}

CASE(shm_calls_keep_errno)
{
	const char *name = check_name("errno");
	int fd;
	CHECK_KEEPS(fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	CHECK_KEEPS(shm_open(name, O_RDONLY, 0));
	CHECK_KEEPS(shm_open(name, O_CREAT | O_RDWR | O_TRUNC, 0600));
	CHECK_KEEPS(shm_unlink(name));
	CHECK_KEEPS(close(fd));
}
