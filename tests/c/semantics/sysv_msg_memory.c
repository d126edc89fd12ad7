/* A handler may call msgsnd, msgrcv and msgctl, also one that has interrupted malloc. So they
 * allocate nothing, not even when the process uses the queue for the first time. */
#include "../support/allocations.h"
#include "../support/limits.h"
#include "../support/sysv_msg_sleepers.h"

/* A queue that only another process has used. */
static int foreign_queue(void)
{
	int *queue = common_memory(sizeof *queue);
	pid_t child = check_fork();
	if (child == 0) {
		*queue = new_queue_of(BODY);
		_exit(0);
	}
	check_child(child);
	return *queue;
}

CASE(msgsnd_and_msgrcv_and_msgctl_allocate_nothing)
{
	static struct message message = { .type = 1 };
	struct msqid_ds status;
	int queue = foreign_queue();
	is_watched = 1;
	for (size_t size = 0; size <= BODY; size += 1024) {
		CHECK_OK(msgsnd(queue, &message, size, 0));
		CHECK_EQ(msgrcv(queue, &message, BODY, size % 2048 ? 1 : -1, 0), size);
	}
	CHECK_FAILS(msgrcv(queue, &message, BODY, 0, IPC_NOWAIT), ENOMSG);
	CHECK_OK(msgsnd(queue, &message, BODY, IPC_NOWAIT));
	CHECK_FAILS(msgsnd(queue, &message, 1, IPC_NOWAIT), EAGAIN);
	CHECK_FAILS(msgrcv(queue, &message, 1, 0, 0), E2BIG);
	CHECK_OK(msgctl(queue, IPC_STAT, &status));
	CHECK_OK(msgctl(queue, IPC_SET, &status));
	CHECK_OK(msgctl(queue, IPC_RMID, NULL));
	is_watched = 0;
	CHECK_EQ(allocations, 0);
}

static void nothing(int signal)
{
	(void)signal;
}

/* Woken by a timer: another thread would allocate. */
CASE(msgsnd_and_msgrcv_that_sleep_allocate_nothing)
{
	static struct message message = { .type = 1 };
	struct sigaction action = { .sa_handler = nothing };
	struct itimerspec soon = { .it_value = { 0, 20000000 } };
	timer_t timer;
	int queue = foreign_queue();
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	CHECK_OK(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	is_watched = 1;
	CHECK_OK(timer_settime(timer, 0, &soon, NULL));
	CHECK_FAILS(msgrcv(queue, &message, BODY, 0, 0), EINTR);
	CHECK_OK(msgsnd(queue, &message, BODY, 0));
	CHECK_OK(timer_settime(timer, 0, &soon, NULL));
	CHECK_FAILS(msgsnd(queue, &message, 1, 0), EINTR);
	is_watched = 0;
	CHECK_EQ(allocations, 0);
}

/* A process that gets no memory any more still wakes those that it sends to. */
CASE(msgsnd_without_memory_wakes_each_of_many_receivers)
{
	enum { MANY = 20 };
	struct sleeper *receivers[MANY];
	int queue = new_queue();
	for (int i = 0; i < MANY; i++)
		receivers[i] = PROCESS_RECEIVES(queue, i + 2, 0);
	pid_t sender = check_fork();
	if (sender == 0) {
		limit_memory(0);
		for (int i = 0; i < MANY; i++)
			PUT(queue, i + 2, "wake up");
		_exit(0);
	}
	check_child(sender);
	for (int i = 0; i < MANY; i++)
		GETS(receivers[i], i + 2, "wake up");
}
