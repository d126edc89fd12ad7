/* A call that succeeds leaves errno alone. */
#include "../support/refuse.h"
#include "../support/sysv_msg_sleepers.h"
#include "../support/untouched.h"

static struct message letter = { .type = 1, .body = "x" };

CASE(msgget_keeps_errno)
{
	int queue, private;
	CHECK_KEEPS(queue = msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600));
	noted(queue);
	CHECK_KEEPS(msgget(own_key(0), IPC_CREAT | 0600));
	CHECK_KEEPS(msgget(own_key(0), 0));
	CHECK_KEEPS(private = msgget(IPC_PRIVATE, 0600));
	noted(private);
}

CASE(msgctl_keeps_errno)
{
	struct msqid_ds status;
	struct msqid_ds info;
	int queue = new_queue();
	CHECK_KEEPS(msgctl(queue, IPC_STAT, &status));
	CHECK_KEEPS(msgctl(queue, IPC_SET, &status));
	CHECK_KEEPS(msgctl(queue, MSG_STAT, &status));
	CHECK_KEEPS(msgctl(queue, MSG_STAT_ANY, &status));
	CHECK_KEEPS(msgctl(queue, IPC_INFO, &info));
	CHECK_KEEPS(msgctl(queue, MSG_INFO, &info));
	CHECK_KEEPS(msgctl(queue, IPC_RMID, NULL));
}

CASE(msgsnd_and_msgrcv_that_do_not_sleep_keep_errno)
{
	struct message got;
	int queue = new_queue();
	for (size_t size = 0; size <= BODY; size += BODY / 8) {
		CHECK_KEEPS(msgsnd(queue, &letter, size, 0));
		CHECK_KEEPS(msgrcv(queue, &got, BODY, 0, 0));
		CHECK_KEEPS(msgsnd(queue, &letter, size, IPC_NOWAIT));
		CHECK_KEEPS(msgrcv(queue, &got, size / 2, -5, IPC_NOWAIT | MSG_NOERROR));
	}
	CHECK_KEEPS(msgsnd(queue, &letter, 1, 0));
	CHECK_KEEPS(msgrcv(queue, &got, 1, 2, MSG_EXCEPT));
}

CASE(msgrcv_of_a_copy_keeps_errno)
{
	struct message got;
	int queue = new_queue();
	PUT(queue, 1, "x");
	if (msgrcv(queue, &got, BODY, 0, MSG_COPY | IPC_NOWAIT) == -1)
		CHECK_SKIP("this kernel is built without MSG_COPY");
	CHECK_KEEPS(msgrcv(queue, &got, BODY, 0, MSG_COPY | IPC_NOWAIT));
}

/* Serves the main thread when that sleeps. */
static struct service {
	int queue;
	pid_t main_tid;
	bool by_message;
} service;

static void *serves(void *unused)
{
	for (int looks = 0; looks < 3; looks++)
		CHECK_SOON(asleep(getpid(), service.main_tid));
	if (service.by_message)
		CHECK_KEEPS(msgsnd(service.queue, &letter, 1, 0));
	else
		CHECK_KEEPS(msgrcv(service.queue, &(struct message){ 0 }, BODY, 0, 0));
	return unused;
}

CASE(msgrcv_that_sleeps_keeps_errno)
{
	struct message got;
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		service = (struct service){ new_queue(), gettid(), true };
		CHECK_EQ(pthread_create(&thread, NULL, serves, NULL), 0);
		CHECK_KEEPS(msgrcv(service.queue, &got, BODY, 0, 0));
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
}

CASE(msgsnd_that_sleeps_keeps_errno)
{
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		service = (struct service){ new_queue_of(1), gettid(), false };
		PUT(service.queue, 1, "x");
		CHECK_EQ(pthread_create(&thread, NULL, serves, NULL), 0);
		CHECK_KEEPS(msgsnd(service.queue, &letter, 1, 0));
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
}

static void keeps_errno_without(long call)
{
	struct message got;
	int queue = new_queue();
	pid_t child = check_fork();
	if (child == 0) {
		if (refuse_call(call, ENOSYS) == -1)
			_exit(0);
		CHECK_KEEPS(msgsnd(queue, &letter, 1, 0));
		CHECK_KEEPS(msgrcv(queue, &got, sizeof got.body, 0, 0));
		_exit(0);
	}
	check_child(child);
}

/* What the library asks the kernel for is no error of the program's. */
CASE(msgsnd_and_msgrcv_keep_errno_where_credentials_are_not_told)
{
	keeps_errno_without(SYS_getegid);
	keeps_errno_without(SYS_getgroups);
	keeps_errno_without(SYS_capget);
}
