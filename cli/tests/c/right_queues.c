/* Right programs with queues, and with sets of System V. */
#include "right.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>

enum { SIZE = 16 };

static mqd_t new_queue(struct name *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = SIZE };
	*name = own_name("right");
	return (mqd_t)check(mq_open(name->text, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600,
				    &attributes),
			    "mq_open");
}

static int send_text(mqd_t queue, const char *text, size_t length)
{
	return mq_send(queue, text, length, 0);
}

static size_t receive(mqd_t queue)
{
	char text[SIZE];
	return (size_t)check(mq_receive(queue, text, sizeof(text), NULL), "mq_receive");
}

static void remove_queue(mqd_t queue, const struct name *name)
{
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name->text), "mq_unlink");
}

/* What was not sent waits while something more urgent goes first. */
static void sent_later(void)
{
	struct name name;
	mqd_t queue = new_queue(&name);
	for (int i = 0; i < 3; i++) {
		char text[SIZE] = "number";
		struct pollfd room = { .fd = queue, .events = POLLOUT };
		text[7] = (char)i;
		check(send_text(queue, "first", 5), "mq_send");
		if (send_text(queue, text, 8) != -1 || errno != EAGAIN)
			die("the queue has room");
		receive(queue);
		check(send_text(queue, "urgent", 6), "mq_send");
		receive(queue);
		check(poll(&room, 1, -1), "poll");
		check(send_text(queue, text, 8), "mq_send");
		receive(queue);
	}
	remove_queue(queue, &name);
}

/* Another process, or another thread, sends it. */
static mqd_t kept_queue;

static void send_kept(void *argument)
{
	(void)argument;
	check(send_text(kept_queue, "kept", 4), "mq_send");
}

static void sent_by_another(void)
{
	struct name name;
	kept_queue = new_queue(&name);
	for (enum actors actors = THREADS; actors <= PROCESSES; actors++) {
		check(send_text(kept_queue, "first", 5), "mq_send");
		if (send_text(kept_queue, "kept", 4) != -1 || errno != EAGAIN)
			die("the queue has room");
		receive(kept_queue);
		act(actors, (work[]){ send_kept, NULL }, NULL);
		receive(kept_queue);
		check(send_text(kept_queue, "other", 5), "mq_send");
		receive(kept_queue);
	}
	remove_queue(kept_queue, &name);
}

/* What is too long goes in pieces. */
static void sent_in_pieces(void)
{
	const char text[] = "a text that is longer than a message";
	struct name name;
	mqd_t queue = new_queue(&name);
	if (send_text(queue, text, sizeof(text)) != -1 || errno != EMSGSIZE)
		die("it is not too long");
	for (size_t sent = 0; sent < sizeof(text); sent += SIZE / 2) {
		size_t rest = sizeof(text) - sent;
		check(send_text(queue, text + sent, rest < SIZE / 2 ? rest : SIZE / 2), "mq_send");
		receive(queue);
	}
	remove_queue(queue, &name);
}

/* A byte that wakes somebody is as good as a second one. */
static void woken_once(void)
{
	struct name name;
	mqd_t queue = new_queue(&name);
	for (int i = 0; i < 5; i++) {
		if (send_text(queue, "!", 1) != 0 && errno != EAGAIN)
			die("mq_send");
		if (i == 2)
			receive(queue);
	}
	receive(queue);
	remove_queue(queue, &name);
}

/* The first try is with little room; the message is received by another thread, that has more. */
static void receive_kept(void *argument)
{
	(void)argument;
	receive(kept_queue);
}

static void received_by_another(void)
{
	struct name name;
	char little[SIZE / 2];
	kept_queue = new_queue(&name);
	check(send_text(kept_queue, "first", 5), "mq_send");
	if (mq_receive(kept_queue, little, sizeof(little), NULL) != -1 || errno != EMSGSIZE)
		die("there is room");
	act(THREADS, (work[]){ receive_kept, NULL }, NULL);
	remove_queue(kept_queue, &name);
}

/* A handler that does not wait: the queue is one of those that never do. */
static void empty_queue(int signal)
{
	char text[SIZE];
	(void)signal;
	while (mq_receive(kept_queue, text, sizeof(text), NULL) > 0)
		;
}

static void handler_receives(void)
{
	struct name name;
	struct sigaction action = { .sa_handler = empty_queue };
	kept_queue = new_queue(&name);
	check(sigaction(SIGUSR1, &action, NULL), "sigaction");
	check(send_text(kept_queue, "first", 5), "mq_send");
	check(raise(SIGUSR1), "raise");
	remove_queue(kept_queue, &name);
}

static void change(int set, int semaphore, int by, int flags)
{
	struct sembuf operation = {
		.sem_num = (unsigned short)semaphore,
		.sem_op = (short)by,
		.sem_flg = (short)flags,
	};
	while (semop(set, &operation, 1) != 0)
		if (errno != EINTR)
			die("semop");
}

static int new_set(int semaphores, int value)
{
	int set = (int)check(semget(IPC_PRIVATE, semaphores, 0600), "semget");
	for (int i = 0; i < semaphores; i++)
		check(semctl(set, i, SETVAL, value), "semctl");
	return set;
}

static void take_and_give(void *argument)
{
	int set = *(int *)argument;
	for (int round = 0; round < 3; round++) {
		change(set, 0, -1, SEM_UNDO);
		change(set, 0, 1, SEM_UNDO);
	}
}

/* The kernel gives back what a process took with SEM_UNDO. */
static void keep_until_end(void *argument)
{
	take_and_give(argument);
	change(*(int *)argument, 0, -1, SEM_UNDO);
}

static void undone(void)
{
	int set = new_set(1, 1);
	for (int round = 0; round < 3; round++) {
		pid_t other = fork_child();
		if (other == 0) {
			take_and_give(&set);
			exit(EXIT_SUCCESS);
		}
		act(PROCESSES, (work[]){ keep_until_end, NULL }, &set);
		expect_success(other);
	}
	change(set, 0, -1, 0);
	check(semctl(set, 0, IPC_RMID), "semctl");
}

/* The last reader, a process of its own, gives back the room. */
static void set_of_readers(void)
{
	int set = new_set(1, 1);
	act(PROCESSES, (work[]){ take_and_give, NULL }, &set);
	for (int round = 0; round < 3; round++) {
		change(set, 0, -1, 0);
		pid_t last = fork_child();
		if (last == 0) {
			change(set, 0, 1, 0);
			exit(EXIT_SUCCESS);
		}
		expect_success(last);
		act(PROCESSES, (work[]){ take_and_give, NULL }, &set);
	}
	check(semctl(set, 0, IPC_RMID), "semctl");
}

/* Of a call that fails nothing was posted: the second semaphore has the largest value. */
static void failed_post(void)
{
	enum { LARGEST = 32767 };
	int set = new_set(2, 1);
	struct sembuf both[] = { { .sem_num = 0, .sem_op = 1 }, { .sem_num = 1, .sem_op = 1 } };
	check(semctl(set, 1, SETVAL, LARGEST), "semctl");
	act(PROCESSES, (work[]){ take_and_give, NULL }, &set);
	if (semop(set, both, 2) == 0 || errno != ERANGE)
		die("semop");
	act(PROCESSES, (work[]){ take_and_give, NULL }, &set);
	check(semctl(set, 0, IPC_RMID), "semctl");
}

static const struct exercise EXERCISES[] = {
	{ "sent_later", sent_later },
	{ "sent_by_another", sent_by_another },
	{ "sent_in_pieces", sent_in_pieces },
	{ "woken_once", woken_once },
	{ "received_by_another", received_by_another },
	{ "handler_receives", handler_receives },
	{ "undone", undone },
	{ "set_of_readers", set_of_readers },
	{ "failed_post", failed_post },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
