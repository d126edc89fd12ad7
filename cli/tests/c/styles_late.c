/* Mistakes that are none before the end tells: nobody explains them. */
#include "right.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <time.h>

static sem_t handled;

static void take_and_give(int signal)
{
	(void)signal;
	take(&handled);
	give(&handled);
}

/* The signal comes by luck when the lock is free. The right one blocks it while it has the lock. */
static void lucky_handler(void)
{
	struct sigaction action = { .sa_handler = take_and_give };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");
	check(sem_init(&handled, 0, 1), "sem_init");
	blame_address(&handled, getpid());
	for (int i = 0; i < 3; i++) {
		if (is_right)
			check(sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
		take(&handled);
		give(&handled);
		check(sigprocmask(SIG_UNBLOCK, &set, NULL), "sigprocmask");
		check(raise(SIGUSR1), "raise");
	}
	check(sem_destroy(&handled), "sem_destroy");
}

/* A process ends with the lock, and another one waits for it in vain. */
static void kept_at_exit(void)
{
	sem_t *lock = shared_memory();
	int gate[2];
	char byte;
	make(lock, 1);
	check(pipe(gate), "pipe");
	pid_t other = fork_child();
	if (other == 0) {
		struct timespec end;
		take(lock);
		give(lock);
		close(gate[1]);
		check(read(gate[0], &byte, 1), "read");
		check(clock_gettime(CLOCK_REALTIME, &end), "clock_gettime");
		end.tv_sec += is_right ? 10 : 0;
		if ((sem_timedwait(lock, &end) == 0) != is_right)
			die("sem_timedwait");
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(other);
	pid_t keeper = fork_child();
	if (keeper == 0) {
		blame_address(lock, getpid());
		for (int i = 0; i < 3; i++) {
			take(lock);
			if (i < 2 || is_right)
				give(lock);
		}
		exit(EXIT_SUCCESS);
	}
	expect_success(keeper);
	close(gate[1]);
	expect_success(other);
}

/* The only one that ever takes the lock ends with it, without exit(3). */
static void never_given_back(void)
{
	sem_t *lock = shared_memory();
	struct timespec end;
	make(lock, 1);
	pid_t keeper = fork_child();
	if (keeper == 0) {
		take(lock);
		if (is_right)
			give(lock);
		_exit(EXIT_SUCCESS);
	}
	expect_success(keeper);
	blame_address(lock, getpid());
	check(clock_gettime(CLOCK_REALTIME, &end), "clock_gettime");
	end.tv_sec += is_right ? 10 : 0;
	if ((sem_timedwait(lock, &end) == 0) != is_right)
		die("sem_timedwait");
}

static sem_t copied;

/* A child posts to its copy of a semaphore. The right one is in memory that they share. */
static void posts_to_copy(void)
{
	sem_t *done = is_right ? shared_memory() : &copied;
	struct timespec end;
	check(sem_init(done, is_right, 0), "sem_init");
	pid_t child = fork_child();
	if (child == 0) {
		give(done);
		_exit(EXIT_SUCCESS);
	}
	expect_success(child);
	blame_address(done, getpid());
	check(clock_gettime(CLOCK_REALTIME, &end), "clock_gettime");
	end.tv_sec += is_right ? 10 : 0;
	if ((sem_timedwait(done, &end) == 0) != is_right)
		die("sem_timedwait");
}

/* Somebody else gives back a lock that its taker gives back as well. */
static void given_by_two(void)
{
	sem_t *lock = shared_memory();
	make(lock, 1);
	for (int i = 0; i < 4; i++) {
		take(lock);
		pid_t child = i == 3 ? fork_child() : 1;
		if (child == 0) {
			blame_address(lock, getpid());
			give(lock);
			exit(EXIT_SUCCESS);
		}
		if (child != 1)
			expect_success(child);
		if (child == 1 || !is_right)
			give(lock);
	}
}

/* A message that is too long is not sent at all. */
static void too_long(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	char text[32] = "a message that is longer";
	struct name name = own_name("long");
	mqd_t queue = mq_open(name.text, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	check(queue, "mq_open");
	blame(name.text, getpid());
	if (mq_send(queue, text, strlen(text), 0) != 0 && is_right)
		check(mq_send(queue, text, 16, 0), "mq_send");
	check(mq_send(queue, "end", 3, 0), "mq_send");
	for (int i = 0; i < 1 + is_right; i++)
		check(mq_receive(queue, text, sizeof(text), NULL), "mq_receive");
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
}

/* Two orders in a room that admits two; the right room admits one. */
static void room_for_both(void)
{
	sem_t *room = shared_memory(), *locks = room + 1;
	make(room, is_right ? 1 : 2);
	make(&locks[0], 1);
	make(&locks[1], 1);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork_child();
		if (child == 0) {
			if (i == 1)
				blame_address(&locks[0], getpid());
			for (int round = 0; round < 3; round++) {
				take(room);
				take(&locks[i]);
				take(&locks[!i]);
				give(&locks[!i]);
				give(&locks[i]);
				give(room);
			}
			exit(EXIT_SUCCESS);
		}
		expect_success(child);
	}
}

/* A child waits for a message that its parent forgets to announce, and the name is gone. */
static void unlinked_wait(void)
{
	struct name name = own_name("gone");
	sem_t *arrived = sem_open(name.text, O_CREAT | O_EXCL, 0600, 0);
	if (arrived == SEM_FAILED)
		die("sem_open");
	check(sem_unlink(name.text), "sem_unlink");
	pid_t child = fork_child();
	if (child == 0) {
		blame(name.text, getpid());
		take(arrived);
		exit(EXIT_SUCCESS);
	}
	if (is_right)
		give(arrived);
	expect_success(child);
	check(sem_close(arrived), "sem_close");
}

static const struct exercise EXERCISES[] = {
	{ "lucky_handler", lucky_handler },
	{ "kept_at_exit", kept_at_exit },
	{ "never_given_back", never_given_back },
	{ "posts_to_copy", posts_to_copy },
	{ "given_by_two", given_by_two },
	{ "too_long", too_long },
	{ "room_for_both", room_for_both },
	{ "unlinked_wait", unlinked_wait },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
