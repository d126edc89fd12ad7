/* mqd_t is a file descriptor: flags, dup, fork and exec. */
#include "../support/queue.h"

#include <sys/stat.h>

static char got[SMALL_SIZE];

static bool is_nonblocking(mqd_t queue)
{
	struct mq_attr attr;
	CHECK_OK(mq_getattr(queue, &attr));
	return attr.mq_flags == O_NONBLOCK;
}

static void set_nonblocking(mqd_t queue, bool on)
{
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = on ? O_NONBLOCK : 0 }, NULL));
}

CASE(mqd_is_a_descriptor_with_close_on_exec)
{
	mqd_t queue = queue_small(0);
	struct stat status;
	CHECK_EQ(fcntl(queue, F_GETFD), FD_CLOEXEC);
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(fcntl(queue_again(0, O_RDONLY), F_GETFD), FD_CLOEXEC);
}

CASE(mqd_shows_nonblock_to_fcntl)
{
	mqd_t queue = queue_small(0);
	CHECK_EQ(fcntl(queue, F_GETFL) & O_NONBLOCK, 0);
	set_nonblocking(queue, true);
	CHECK_EQ(fcntl(queue, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	set_nonblocking(queue, false);
	CHECK_EQ(fcntl(queue, F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(fcntl(queue_again(0, O_RDWR | O_NONBLOCK), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

CASE(mqd_takes_nonblock_from_fcntl)
{
	mqd_t queue = queue_small(0);
	int flags = fcntl(queue, F_GETFL);
	CHECK_OK(fcntl(queue, F_SETFL, flags | O_NONBLOCK));
	CHECK(is_nonblocking(queue));
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
	CHECK_OK(fcntl(queue, F_SETFL, flags));
	CHECK(!is_nonblocking(queue));
	struct timespec when = deadline_ms(5);
	CHECK_FAILS(mq_timedreceive(queue, got, sizeof got, NULL, &when), ETIMEDOUT);
}

static void is_the_same_queue(mqd_t one, mqd_t two)
{
	queue_put(one, "there", 1);
	queue_expect(two, "there", 1);
	queue_put(two, "back", 2);
	queue_expect(one, "back", 2);
}

CASE(mqd_opened_for_its_path_alone_is_no_queue)
{
	char path[32];
	struct mq_attr attr;
	mqd_t queue = queue_small(0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", (int)queue);
	int named = open(path, O_PATH);
	CHECK_OK(named);
	CHECK_FAILS(mq_getattr(named, &attr), EBADF);
	CHECK_FAILS(mq_send(named, "no", 2, 0), EBADF);
	CHECK_FAILS(mq_notify(named, NULL), EBADF);
}

CASE(mqd_can_be_duplicated)
{
	mqd_t queue = queue_small(0);
	int copy = dup(queue);
	CHECK_OK(copy);
	is_the_same_queue(queue, copy);
}

CASE(mqd_can_be_duplicated_by_fcntl)
{
	mqd_t queue = queue_small(0);
	int copy = fcntl(queue, F_DUPFD_CLOEXEC, 100);
	CHECK(copy >= 100);
	is_the_same_queue(queue, copy);
}

CASE(mqd_duplicate_shares_nonblock)
{
	mqd_t queue = queue_small(0);
	int copy = dup(queue);
	set_nonblocking(queue, true);
	CHECK(is_nonblocking(copy));
	CHECK_FAILS(mq_receive(copy, got, sizeof got, NULL), EAGAIN);
	set_nonblocking(copy, false);
	CHECK(!is_nonblocking(queue));
}

CASE(mqd_duplicate_keeps_the_access_mode)
{
	queue_small(0);
	int copy = dup(queue_again(0, O_RDONLY));
	CHECK_FAILS(mq_send(copy, "x", 1, 0), EBADF);
	copy = dup(queue_again(0, O_WRONLY));
	CHECK_FAILS(mq_receive(copy, got, sizeof got, NULL), EBADF);
	queue_put(copy, "x", 0);
}

CASE(mqd_duplicate_outlives_the_original)
{
	mqd_t queue = queue_small(0);
	int copy = dup(queue);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	is_the_same_queue(copy, copy);
	CHECK_OK(mq_unlink(queue_name(0)));
	is_the_same_queue(copy, copy);
	CHECK_OK(mq_close(copy));
	CHECK_FAILS(mq_send(copy, "x", 1, 0), EBADF);
}

CASE(mqd_works_under_any_number)
{
	mqd_t queue = queue_small(0);
	CHECK_EQ(dup2(queue, 0), 0);
	CHECK_EQ(dup2(queue, 777), 777);
	CHECK_OK(mq_close(queue));
	is_the_same_queue(0, 777);
}

CASE(mqd_is_inherited_by_a_child)
{
	mqd_t queue = queue_small(0);
	mqd_t answer = queue_create(1, O_RDWR, 1, SMALL_SIZE);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 8);
		queue_put(answer, "answer", 3);
		_exit(0);
	}
	queue_put(queue, "question", 0);
	check_child(child);
	queue_expect(answer, "answer", 3);
}

CASE(mqd_shares_nonblock_with_a_child)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK(!is_nonblocking(queue));
		set_nonblocking(queue, true);
		_exit(0);
	}
	check_child(child);
	CHECK(is_nonblocking(queue));
	child = check_fork();
	if (child == 0) {
		CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
		_exit(0);
	}
	check_child(child);
}

CASE(mqd_closed_in_a_child_stays_open_in_the_parent)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(mq_close(queue));
		CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
		_exit(0);
	}
	check_child(child);
	is_the_same_queue(queue, queue);
}

CASE(mqd_closed_in_the_parent_stays_open_in_a_child)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
		_exit(0);
	}
	CHECK_OK(mq_close(queue));
	queue_put(queue_again(0, O_WRONLY), "late", 0);
	check_child(child);
}

/* Runs the same case again in a new program, which finds the number in the environment. */
static const char *const role = "RSIPC_CHECK_MQD";

static void exec_this_case(const char *name, mqd_t queue)
{
	char number[16];
	snprintf(number, sizeof number, "%d", queue);
	CHECK_OK(setenv(role, number, 1));
	execl("/proc/self/exe", program_invocation_name, name, NULL);
	CHECK(!"exec");
}

CASE(mqd_is_closed_by_exec)
{
	if (getenv(role)) {
		int fd = atoi(getenv(role));
		struct mq_attr attr;
		CHECK_FAILS(mq_getattr(fd, &attr), EBADF);
		CHECK_FAILS(fcntl(fd, F_GETFD), EBADF);
		return;
	}
	mqd_t queue = queue_small(0);
	queue_put(queue, "kept", 0);
	pid_t child = check_fork();
	if (child == 0)
		exec_this_case("mqd_is_closed_by_exec", queue);
	check_child(child);
	queue_expect(queue, "kept", 0);
}

CASE(mqd_without_close_on_exec_serves_the_new_program)
{
	if (getenv(role)) {
		int fd = atoi(getenv(role));
		queue_expect(fd, "from before", 1);
		queue_put(fd, "from after", 2);
		return;
	}
	mqd_t queue = queue_small(0);
	queue_put(queue, "from before", 1);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(fcntl(queue, F_SETFD, 0));
		exec_this_case("mqd_without_close_on_exec_serves_the_new_program", queue);
	}
	check_child(child);
	queue_expect(queue, "from after", 2);
}
