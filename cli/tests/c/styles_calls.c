/* Mistakes in how a call is made: errors that nobody looks at, and times that are durations. */
#include "styles.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <sys/msg.h>
#include <time.h>

static const struct timespec HALF = { .tv_nsec = 500000000 };

/* Now and half a second; or, wrongly, half a second. */
static struct timespec limit(void)
{
	struct timespec time = HALF;
	if (is_right) {
		struct timespec now;
		check(clock_gettime(CLOCK_REALTIME, &now), "clock_gettime");
		time.tv_sec += now.tv_sec;
		time.tv_nsec += now.tv_nsec;
		if (time.tv_nsec >= 1000000000) {
			time.tv_sec++;
			time.tv_nsec -= 1000000000;
		}
	}
	return time;
}

static mqd_t new_queue(const struct name *name, int flags)
{
	struct mq_attr asked = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	return (mqd_t)check(mq_open(name->text, O_CREAT | flags, 0600, &asked), "mq_open");
}

static void half_a_second(void)
{
	sem_t *never = shared_memory();
	check(sem_init(never, 1, 0), "sem_init");
	blame_address(never, getpid());
	struct timespec until = limit();
	if (sem_timedwait(never, &until) == 0 || errno != ETIMEDOUT)
		die("sem_timedwait");
	/* A limit of 0 has passed on purpose. */
	struct timespec zero = { 0 };
	if (sem_timedwait(never, &zero) == 0 || errno != ETIMEDOUT)
		die("sem_timedwait");
}

static void half_a_second_for_a_message(void)
{
	struct name name = own_name("limit");
	mqd_t queue = new_queue(&name, O_RDWR);
	char text[16];
	blame(name.text, getpid());
	struct timespec until = limit();
	if (mq_timedreceive(queue, text, sizeof(text), NULL, &until) >= 0 || errno != ETIMEDOUT)
		die("mq_timedreceive");
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
}

static void queue_not_there(void)
{
	struct name name = own_name("absent");
	blame("mq_send of -1", getpid());
	mqd_t queue = mq_open(name.text, O_WRONLY);
	if (!is_right || queue != (mqd_t)-1)
		mq_send(queue, "word", 4, 0);
}

static void sends_to_read_only(void)
{
	struct name name = own_name("read-only");
	mqd_t queue = new_queue(&name, is_right ? O_RDWR : O_RDONLY);
	char text[16];
	blame(name.text, getpid());
	if (mq_send(queue, "word", 4, 0) == 0)
		check(mq_receive(queue, text, sizeof(text), NULL), "mq_receive");
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
}

static void no_type(void)
{
	struct {
		long type;
		char text[8];
	} message = { .type = is_right, .text = "word" };
	int queue = (int)check(msgget(IPC_PRIVATE, 0600), "msgget");
	char name[32];
	snprintf(name, sizeof(name), "msg:%d", queue);
	blame(name, getpid());
	msgsnd(queue, &message, sizeof(message.text), 0);
	msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT);
	check(msgctl(queue, IPC_RMID, NULL), "msgctl");
}

/* A lock that is free again only when the child has given up its wait for it. */
static void goes_on_without(void)
{
	sem_t *lock = shared_memory();
	int to_child[2], to_parent[2];
	char byte = 0;
	check(pipe(to_child), "pipe");
	check(pipe(to_parent), "pipe");
	check(sem_init(lock, 1, 1), "sem_init");
	check(sem_wait(lock), "sem_wait");
	pid_t child = fork_child();
	if (child == 0) {
		blame_address(lock, getpid());
		struct timespec passed = { 0 };
		int is_mine = sem_timedwait(lock, &passed) == 0;
		if (!is_right || is_mine)
			check(sem_post(lock), "sem_post");
		check(write(to_parent[1], &byte, 1), "write");
		check(read(to_child[0], &byte, 1), "read");
		exit(EXIT_SUCCESS);
	}
	check(read(to_parent[0], &byte, 1), "read");
	check(sem_post(lock), "sem_post");
	check(write(to_child[1], &byte, 1), "write");
	expect_success(child);
}

static void sleeps_on(sem_t *semaphore)
{
	pid_t child = fork_child();
	if (child == 0) {
		blame_address(semaphore, getpid());
		check(sem_wait(semaphore), "sem_wait");
		check(sem_post(semaphore), "sem_post");
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
}

static void lock_of_zero(void)
{
	sem_t *lock = shared_memory();
	check(sem_init(lock, 1, (unsigned)is_right), "sem_init");
	sleeps_on(lock);
}

static int work(sem_t *lock, int round)
{
	check(sem_wait(lock), "sem_wait");
	if (round == 2 && !is_right)
		return -1;
	return (int)check(sem_post(lock), "sem_post");
}

static void *worker(void *lock)
{
	for (int round = 0; round < 4; round++)
		work(lock, round);
	return NULL;
}

static void early_return(void)
{
	static sem_t lock;
	pthread_t thread;
	check(sem_init(&lock, 0, 1), "sem_init");
	blame_address(&lock, getpid());
	if (pthread_create(&thread, NULL, worker, &lock) != 0 || pthread_join(thread, NULL) != 0)
		die("pthread");
}

/* What an earlier run has left with the value 0; or, rightly, with 1. */
static void left_by_another_run(void)
{
	struct name name = { "/styles-left" };
	sem_t *lock = sem_open(name.text, O_CREAT, 0600, 1);
	if (lock == SEM_FAILED)
		die("sem_open");
	blame(name.text, getpid());
	check(sem_wait(lock), "sem_wait");
	check(sem_post(lock), "sem_post");
}

/* A queue that its only process fills; the name is removed after that. */
static void full_of_its_own(void)
{
	struct name name = own_name("full");
	mqd_t queue = new_queue(&name, O_RDWR);
	char text[16];
	blame(name.text, getpid());
	for (int i = 0; i < (is_right ? 4 : 5); i++)
		check(mq_send(queue, "word", 4, 0), "mq_send");
	for (int i = 0; i < 4; i++)
		check(mq_receive(queue, text, sizeof(text), NULL), "mq_receive");
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
}

static const struct exercise EXERCISES[] = {
	{ "half_a_second", half_a_second },
	{ "half_a_second_for_a_message", half_a_second_for_a_message },
	{ "queue_not_there", queue_not_there },
	{ "sends_to_read_only", sends_to_read_only },
	{ "no_type", no_type },
	{ "goes_on_without", goes_on_without },
	{ "lock_of_zero", lock_of_zero },
	{ "early_return", early_return },
	{ "left_by_another_run", left_by_another_run },
	{ "full_of_its_own", full_of_its_own },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
