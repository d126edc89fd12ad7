/* A library that calls everything from its constructor, and in handlers of a fork. It knows
 * nothing of librsipc, so that the loader may initialise it first: nothing of ours has been
 * initialised then. */
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "must.h"

/* glibc has it since 2.34. */
extern void closefrom(int lowest) __attribute__((weak));

static pthread_key_t key;
static int value;

static void destroy(void *stored)
{
	MUST(stored == &value);
}

static mqd_t new_queue(void)
{
	char name[64];
	snprintf(name, sizeof name, "/loading-early.%d", (int)getpid());
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	MUST(queue != -1);
	MUST(mq_unlink(name) == 0);
	return queue;
}

static void use_queue(mqd_t queue)
{
	char body[8];
	MUST(mq_send(queue, "first", 5, 3) == 0);
	MUST(mq_receive(queue, body, sizeof body, NULL) == 5 && memcmp(body, "first", 5) == 0);
}

static void use_semaphore(void)
{
	char name[64];
	snprintf(name, sizeof name, "/loading-early.%d", (int)getpid());
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	MUST(sem != SEM_FAILED);
	MUST(sem_unlink(name) == 0);
	MUST(sem_wait(sem) == 0 && sem_post(sem) == 0);
	struct timespec now;
	MUST(sem_wait(sem) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0);
	FAILS(sem_timedwait(sem, &now), ETIMEDOUT);
	MUST(sem_close(sem) == 0);
}

static void wait_for_descriptors(int readable, int quiet)
{
	struct timespec briefly = { .tv_nsec = 1000000 }, same = briefly;
	struct timeval two_seconds = { .tv_usec = 2000000 }, none = { 0 };
	struct pollfd fds[2] = { { .fd = readable, .events = POLLIN },
				 { .fd = quiet, .events = POLLIN } };
	sigset_t mask;
	sigemptyset(&mask);
	MUST(poll(fds, 2, -1) == 1 && fds[0].revents == POLLIN && fds[1].revents == 0);
	MUST(poll(fds + 1, 1, 1) == 0 && poll(NULL, 0, 0) == 0);
	MUST(ppoll(fds, 2, NULL, &mask) == 1);
	MUST(ppoll(fds + 1, 1, &briefly, NULL) == 0 && briefly.tv_nsec == same.tv_nsec);

	fd_set set;
	FD_ZERO(&set);
	FD_SET(readable, &set);
	FD_SET(quiet, &set);
	int count = (readable > quiet ? readable : quiet) + 1;
	MUST(select(count, &set, NULL, NULL, &two_seconds) == 1);
	MUST(FD_ISSET(readable, &set) && !FD_ISSET(quiet, &set));
	MUST(two_seconds.tv_sec == 1 && two_seconds.tv_usec > 0 && two_seconds.tv_usec < 1000000);
	FD_SET(quiet, &set);
	MUST(pselect(count, &set, NULL, NULL, NULL, &mask) == 1 && FD_ISSET(readable, &set));
	FD_CLR(readable, &set);
	MUST(pselect(count, &set, NULL, NULL, &briefly, NULL) == 0);
	MUST(briefly.tv_nsec == same.tv_nsec);
	MUST(select(0, NULL, NULL, NULL, &none) == 0);

	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = readable };
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, readable, &event) == 0);
	MUST(epoll_wait(epoll, &event, 1, -1) == 1 && event.data.fd == readable);
	MUST(close(epoll) == 0);
}

static void close_and_duplicate(int fd)
{
	int copy = dup(fd);
	MUST(copy > fd && dup2(fd, copy) == copy && dup3(fd, 300, O_CLOEXEC) == 300);
	MUST(fcntl(300, F_GETFD) == FD_CLOEXEC && dup2(fd, fd) == fd);
	FAILS(dup2(999, 999), EBADF);
	FAILS(dup3(fd, fd, 0), EINVAL);
	MUST(close(copy) == 0);
	FAILS(close(copy), EBADF);
	pid_t child = closefrom ? fork() : -1;
	if (child == 0) {
		closefrom(299);
		_exit(fcntl(300, F_GETFD) == -1 && fcntl(fd, F_GETFD) >= 0 ? 0 : 1);
	}
	if (closefrom)
		must_end_well(child);
	MUST(close(300) == 0);
}

static int asked[2], told[2];

/* Says which library it is, as often as it is asked. */
static void *says_its_user(void *unused)
{
	char question;
	while (read(asked[0], &question, 1) == 1) {
		uid_t user = geteuid();
		MUST(write(told[1], &user, sizeof user) == sizeof user);
	}
	return unused;
}

static uid_t user_of_the_other(void)
{
	uid_t user;
	MUST(write(asked[1], "?", 1) == 1);
	MUST(read(told[0], &user, sizeof user) == sizeof user);
	return user;
}

/* The C library changes all threads. */
static void become_another_and_back(void)
{
	enum { NOBODY = 65534 };
	pthread_t other;
	if (geteuid() != 0)
		return;
	MUST(pipe(asked) == 0 && pipe(told) == 0);
	MUST(pthread_create(&other, NULL, says_its_user, NULL) == 0);
	MUST(seteuid(NOBODY) == 0 && geteuid() == NOBODY && user_of_the_other() == NOBODY);
	MUST(seteuid(0) == 0 && geteuid() == 0 && user_of_the_other() == 0);
	MUST(close(asked[1]) == 0 && pthread_join(other, NULL) == 0);
	MUST(close(asked[0]) == 0 && close(told[0]) == 0 && close(told[1]) == 0);
}

static mqd_t queue;

/* The library that has installed its handlers first is called last before the fork, and first after
 * it. */
static void at_fork(void)
{
	use_semaphore();
	mqd_t another = new_queue();
	use_queue(another);
	MUST(mq_close(another) == 0);
}

__attribute__((constructor)) static void early(void)
{
	alarm(SECONDS);
	MUST(pthread_atfork(at_fork, at_fork, at_fork) == 0);
	MUST(pthread_key_create(&key, destroy) == 0 && pthread_setspecific(key, &value) == 0);
	queue = new_queue();
	use_queue(queue);
	use_semaphore();
	MUST(mq_send(queue, "ready", 5, 0) == 0);
	int quiet[2];
	MUST(pipe(quiet) == 0);
	wait_for_descriptors((int)queue, quiet[0]);
	close_and_duplicate(quiet[0]);
	become_another_and_back();
	MUST(close(quiet[0]) == 0 && close(quiet[1]) == 0);
	MUST(pthread_getspecific(key) == &value);
	SAY("early\n");
}

/* What the constructor has left is as it was. */
void check_early(void)
{
	char body[8];
	MUST(pthread_getspecific(key) == &value);
	MUST(mq_receive(queue, body, sizeof body, NULL) == 5 && memcmp(body, "ready", 5) == 0);
	pid_t child = fork();
	if (child == 0) {
		use_queue(queue);
		_exit(0);
	}
	must_end_well(child);
	use_queue(queue);
	MUST(mq_close(queue) == 0);
}
