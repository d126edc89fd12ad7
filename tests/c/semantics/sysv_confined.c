/* Processes that confine themselves: they cannot find files any more, or may lock little memory.
 * The kernel's sets and queues need neither. What the library cannot do there is ENOMEM: never an
 * errno that says that the object is gone, or that the call would sleep. */
#include "../support/empty_root.h"
#include "../support/nobody.h"
#include "../support/sysv.h"
#include "../support/untouched.h"

#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>

enum { LONG_BODY = 8000, LOCKED_MAX = 1 << 20 };

struct message {
	long type;
	char body[LONG_BODY];
};

static int the_set, the_queue;

static void remove_set(int set)
{
	semctl(set, 0, IPC_RMID);
}

static void remove_queue(int queue)
{
	msgctl(queue, IPC_RMID, NULL);
}

static int new_set(void)
{
	int set = note_object(semget(IPC_PRIVATE, 1, 0666), remove_set);
	CHECK_OK(semctl(set, 0, SETVAL, 3));
	return set;
}

static int new_queue(void)
{
	return note_object(msgget(IPC_PRIVATE, 0666), remove_queue);
}

static int take(int set, int flags)
{
	return semop(set, &(struct sembuf){ 0, -1, (short)flags }, 1);
}

static int send(int queue, size_t length)
{
	static struct message message = { .type = 1 };
	return msgsnd(queue, &message, length, IPC_NOWAIT);
}

static ssize_t receive(int queue)
{
	static struct message message;
	return msgrcv(queue, &message, LONG_BODY, 0, IPC_NOWAIT);
}

#define CHECK_OK_OR_ENOMEM(call) CHECK((call) != -1 || errno == ENOMEM)

/* Bodies that the library keeps in different ways. */
static const size_t lengths[] = { 0, 96, 300, 512, 1500, LONG_BODY };
enum { LENGTHS = sizeof lengths / sizeof *lengths };

CASE(msgsnd_and_msgrcv_of_all_lengths_after_chroot)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can change the root");
	int queue = new_queue();
	enter_empty_root();
	for (int i = 0; i < LENGTHS; i++) {
		CHECK_OK(send(queue, lengths[i]));
		CHECK_EQ(receive(queue), lengths[i]);
	}
}

CASE(msgsnd_after_chroot_is_no_einval)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can change the root");
	int queue = new_queue();
	enter_empty_root();
	int failed = 0;
	/* More storage than a new queue has, if each kind of it is used. */
	while ((failed = send(queue, LONG_BODY)) == 0)
		;
	CHECK(errno == EAGAIN || errno == ENOMEM);
	while (receive(queue) != -1)
		;
	CHECK_EQ(errno, ENOMSG);
	CHECK_OK(msgctl(queue, IPC_RMID, NULL));
	CHECK_FAILS(send(queue, LONG_BODY), EINVAL);
}

/* A server that confines itself, and sleeps until the first message comes. It gets long ones, too,
 * for which others make the queue longer. */
CASE(msgrcv_after_chroot_sleeps_and_gets_what_others_send)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can change the root");
	enum { MESSAGES = 200 };
	static struct message message = { .type = 1 };
	volatile int *is_confined = common_memory(sizeof *is_confined);
	int queue = new_queue();
	pid_t server = check_fork();
	if (server == 0) {
		enter_empty_root();
		*is_confined = 1;
		for (int i = 0; i < MESSAGES; i++)
			CHECK_EQ(msgrcv(queue, &message, LONG_BODY, 1, 0), lengths[i % LENGTHS]);
		_exit(0);
	}
	CHECK_SOON(*is_confined && asleep(server, server));
	for (int i = 0; i < MESSAGES; i++)
		CHECK_OK(msgsnd(queue, &message, lengths[i % LENGTHS], 0));
	check_child(server);
}

CASE(semop_with_undo_after_chroot_is_no_einval)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can change the root");
	int sets[] = { new_set(), new_set() };
	CHECK_OK(take(sets[0], SEM_UNDO));
	CHECK_OK(take(sets[1], 0));
	enter_empty_root();
	CHECK_OK(take(sets[0], SEM_UNDO));
	CHECK_OK(take(sets[1], 0));
	CHECK_OK_OR_ENOMEM(take(sets[1], SEM_UNDO));
	CHECK_OK(semctl(sets[1], 0, IPC_RMID));
	CHECK_FAILS(take(sets[1], SEM_UNDO), EINVAL);
}

/* Uses objects for the first time, where no more memory may be locked, and each mapping is. */
static void use_with_little_locked(const char *unused)
{
	(void)unused;
	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ LOCKED_MAX, LOCKED_MAX }));
	CHECK_OK(mlockall(MCL_FUTURE));
	CHECK_OK_OR_ENOMEM(take(the_set, 0));
	CHECK_OK_OR_ENOMEM(take(the_set, IPC_NOWAIT));
	CHECK_OK_OR_ENOMEM(send(the_queue, 10));
	ssize_t received = receive(the_queue);
	CHECK(received == 10 || (received == -1 && errno == ENOMEM));
	int queue = msgget(IPC_PRIVATE, 0600);
	CHECK_OK_OR_ENOMEM(queue);
	remove_queue(queue);
}

CASE(semop_and_msgsnd_where_little_memory_may_be_locked_are_no_eagain)
{
	the_set = new_set();
	the_queue = new_queue();
	CHECK_OK(send(the_queue, 10));
	as_nobody(use_with_little_locked, "");
}

/* Another process has sent so much that the queue has become longer, and has received it. */
static void fill_and_drain(int queue, size_t length)
{
	while (send(queue, length) == 0)
		;
	CHECK_EQ(errno, EAGAIN);
	while (receive(queue) != -1)
		;
	CHECK_EQ(errno, ENOMSG);
}

CASE(msgsnd_after_chroot_uses_what_others_have_added)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can change the root");
	volatile int *state = common_memory(sizeof *state);
	int queue = new_queue();
	pid_t confined = check_fork();
	if (confined == 0) {
		CHECK_OK(send(queue, 1));
		CHECK_EQ(receive(queue), 1);
		enter_empty_root();
		*state = 1;
		CHECK_SOON(*state == 2);
		for (int i = 0; i < LENGTHS; i++) {
			CHECK_KEEPS(send(queue, lengths[i]));
			CHECK_KEEPS(receive(queue));
		}
		_exit(0);
	}
	CHECK_SOON(*state == 1);
	for (int i = 0; i < LENGTHS; i++)
		fill_and_drain(queue, lengths[i]);
	*state = 2;
	check_child(confined);
}

static void *wait_for_many(void *set)
{
	CHECK_FAILS(semop(*(int *)set, &(struct sembuf){ 0, -100, 0 }, 1), EIDRM);
	return NULL;
}

enum { SLEEPERS = 100 };

/* The records of so many sleepers make the file of a set longer. */
static void among_later_sleepers(void (*use)(int set))
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can change the root");
	pthread_t sleepers[SLEEPERS];
	volatile int *state = common_memory(sizeof *state);
	int set = new_set();
	pid_t confined = check_fork();
	if (confined == 0) {
		CHECK_OK(take(set, 0));
		enter_empty_root();
		*state = 1;
		CHECK_SOON(*state == 2);
		use(set);
		CHECK_OK(semctl(set, 0, IPC_RMID));
		_exit(0);
	}
	CHECK_SOON(*state == 1);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK_EQ(pthread_create(&sleepers[i], NULL, wait_for_many, &set), 0);
	CHECK_SOON(semctl(set, 0, GETNCNT) == SLEEPERS);
	*state = 2;
	check_child(confined);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK_EQ(pthread_join(sleepers[i], NULL), 0);
}

static void count_and_take(int set)
{
	CHECK_EQ(semctl(set, 0, GETNCNT), SLEEPERS);
	CHECK_KEEPS(take(set, 0));
}

static void take_and_count(int set)
{
	CHECK_KEEPS(take(set, 0));
	CHECK_EQ(semctl(set, 0, GETNCNT), SLEEPERS);
}

CASE(semctl_after_chroot_among_sleepers_that_came_later)
{
	among_later_sleepers(count_and_take);
}

CASE(semop_after_chroot_among_sleepers_that_came_later)
{
	among_later_sleepers(take_and_count);
}
