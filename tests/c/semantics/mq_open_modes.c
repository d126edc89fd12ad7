/* mq_open that makes a queue: the access mode 3, and a umask that takes everything. */
#include "../support/nobody.h"
#include "../support/queue.h"

#include <sys/stat.h>

static void is_for_neither(mqd_t queue)
{
	char got[SMALL_SIZE];
	CHECK_EQ(queue_count(queue), 0);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EBADF);
	CHECK_FAILS(read(queue, got, sizeof got), EBADF);
	CHECK_FAILS(write(queue, "x", 1), EBADF);
}

/* Linux judges the access mode of a queue that exists alone. */
CASE(mq_open_with_access_mode_3_makes_a_queue_to_look_at)
{
	mqd_t queue = queue_small(O_ACCMODE);
	is_for_neither(queue);
	CHECK_EQ(queue_events(queue), POLLOUT);
	mqd_t other = queue_again(0, O_RDWR);
	queue_put(other, "x", 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	queue_expect(other, "x", 0);
}

CASE(mq_open_with_access_mode_3_is_so_for_duplicates)
{
	is_for_neither(dup(queue_small(O_ACCMODE)));
}

/* Runs the same case again in a new program, which finds the number in the environment. */
CASE(mq_open_with_access_mode_3_is_so_after_exec)
{
	static const char *const role = "RSIPC_CHECK_MQD";
	char number[16];
	if (getenv(role)) {
		is_for_neither(atoi(getenv(role)));
		return;
	}
	mqd_t queue = queue_small(O_ACCMODE);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(fcntl(queue, F_SETFD, 0));
		snprintf(number, sizeof number, "%d", queue);
		CHECK_OK(setenv(role, number, 1));
		execl("/proc/self/exe", program_invocation_name,
		      "mq_open_with_access_mode_3_is_so_after_exec", NULL);
		CHECK(!"exec");
	}
	check_child(child);
}

static void makes_and_uses_one(const char *name)
{
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	static const mode_t masks[] = { 0777, 0700, 0400, 0200 };
	for (unsigned i = 0; i < sizeof masks / sizeof *masks; i++) {
		umask(masks[i]);
		mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
		CHECK_OK(queue);
		queue_put(queue, "mine", 1);
		queue_expect(queue, "mine", 1);
		CHECK_FAILS(mq_open(name, O_RDWR), EACCES);
		CHECK_OK(mq_unlink(name));
	}
}

CASE(mq_open_makes_a_queue_whatever_the_umask_takes)
{
	as_nobody(makes_and_uses_one, queue_name(0));
}
