/* Mistakes at the beginning and at the end of what an object is good for. */
#include "styles.h"

#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/sem.h>

/* The mistake may be the last act of the process. */
static void end(int signal)
{
	(void)signal;
	_exit(EXIT_SUCCESS);
}

static void survive(void)
{
	check(signal(SIGSEGV, end) == SIG_ERR ? -1 : 0, "signal");
	check(signal(SIGBUS, end) == SIG_ERR ? -1 : 0, "signal");
}

static sem_t *open_semaphore(const struct name *name)
{
	sem_t *semaphore = sem_open(name->text, O_CREAT, 0600, 0);
	if (semaphore == SEM_FAILED)
		die("sem_open");
	return semaphore;
}

static void used_when_closed(void)
{
	struct name name = own_name("closed");
	sem_t *semaphore = open_semaphore(&name);
	check(sem_unlink(name.text), "sem_unlink");
	blame(name.text, getpid());
	survive();
	if (is_right)
		check(sem_post(semaphore), "sem_post");
	check(sem_close(semaphore), "sem_close");
	if (!is_right)
		sem_post(semaphore);
}

static void closed_twice(void)
{
	struct name name = own_name("twice");
	sem_t *semaphore = open_semaphore(&name);
	check(sem_unlink(name.text), "sem_unlink");
	blame(name.text, getpid());
	survive();
	check(sem_close(semaphore), "sem_close");
	if (!is_right)
		sem_close(semaphore);
}

static void opened_twice(void)
{
	struct name name = own_name("opened");
	sem_t *semaphore = open_semaphore(&name);
	check(open_semaphore(&name) == semaphore ? 0 : -1, "sem_open");
	check(sem_unlink(name.text), "sem_unlink");
	blame(name.text, getpid());
	for (int i = 0; i < (is_right ? 2 : 0); i++)
		check(sem_close(semaphore), "sem_close");
}

static void used_when_destroyed(void)
{
	sem_t *semaphore = shared_memory();
	check(sem_init(semaphore, 1, 0), "sem_init");
	blame_address(semaphore, getpid());
	check(sem_destroy(semaphore), "sem_destroy");
	if (is_right)
		check(sem_init(semaphore, 1, 0), "sem_init");
	check(sem_post(semaphore), "sem_post");
}

static void used_when_unmapped(void)
{
	sem_t *semaphore = shared_memory();
	check(sem_init(semaphore, 1, 0), "sem_init");
	blame_address(semaphore, getpid());
	survive();
	if (is_right)
		check(sem_post(semaphore), "sem_post");
	check(munmap(semaphore, 4096), "munmap");
	if (!is_right)
		sem_post(semaphore);
}

static void one_too_many(void)
{
	sem_t *semaphore = shared_memory();
	check(sem_init(semaphore, 1, SEM_VALUE_MAX - (is_right ? 1 : 0)), "sem_init");
	blame_address(semaphore, getpid());
	if (sem_post(semaphore) != 0 && errno != EOVERFLOW)
		die("sem_post");
}

static mqd_t open_queue(const struct name *name, long messages)
{
	struct mq_attr attributes = { .mq_maxmsg = messages, .mq_msgsize = 16 };
	mqd_t queue = mq_open(name->text, O_RDWR | O_CREAT, 0600, &attributes);
	check(queue, "mq_open");
	return queue;
}

static void smaller_than_asked(void)
{
	struct name name = own_name("smaller");
	mqd_t first = open_queue(&name, 4);
	blame(name.text, getpid());
	mqd_t second = open_queue(&name, is_right ? 4 : 8);
	check(mq_close(first), "mq_close");
	check(mq_close(second), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
}

static void left_unread(void)
{
	struct name name = own_name("unread");
	mqd_t queue = open_queue(&name, 4);
	char text[16];
	blame(name.text, getpid());
	check(mq_send(queue, "last", 4, 0), "mq_send");
	if (is_right)
		check(mq_receive(queue, text, sizeof(text), NULL), "mq_receive");
	check(mq_unlink(name.text), "mq_unlink");
	check(mq_close(queue), "mq_close");
}

static void set_left(void)
{
	int set = (int)check(semget(IPC_PRIVATE, 1, 0600), "semget");
	char text[32];
	snprintf(text, sizeof(text), "sem:%d", set);
	blame(text, getpid());
	if (is_right)
		check(semctl(set, 0, IPC_RMID), "semctl");
}

static const struct exercise EXERCISES[] = {
	{ "used_when_closed", used_when_closed },
	{ "closed_twice", closed_twice },
	{ "opened_twice", opened_twice },
	{ "used_when_destroyed", used_when_destroyed },
	{ "used_when_unmapped", used_when_unmapped },
	{ "one_too_many", one_too_many },
	{ "smaller_than_asked", smaller_than_asked },
	{ "left_unread", left_unread },
	{ "set_left", set_left },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
