/* A handler may write to a pipe of the program's own, and read and poll it, also one that has
 * interrupted malloc or mq_open. A process that has a queue allocates nothing for that, and takes
 * no lock. */
#include "../support/allocations.h"
#include "../support/queue.h"

#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* Two descriptors that the library has not seen. */
static void new_pipe(int ends[2])
{
	CHECK_OK(syscall(SYS_pipe2, ends, O_CLOEXEC));
}

static void close_pipe(const int ends[2])
{
	CHECK_OK(syscall(SYS_close, ends[0]));
	CHECK_OK(syscall(SYS_close, ends[1]));
}

static void write_and_read(void)
{
	int ends[2];
	char byte;
	new_pipe(ends);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	close_pipe(ends);
}

static void poll_both(void)
{
	int ends[2];
	new_pipe(ends);
	struct pollfd asked[2] = { { ends[0], POLLIN, 0 }, { ends[1], POLLOUT, 0 } };
	CHECK_EQ(poll(asked, 2, 0), 1);
	close_pipe(ends);
}

static void select_both(void)
{
	int ends[2];
	fd_set in, out;
	new_pipe(ends);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	CHECK_EQ(select(ends[1] + 1, &in, &out, NULL, &(struct timeval){ 0, 0 }), 1);
	close_pipe(ends);
}

static void copy_and_close(void)
{
	int ends[2];
	struct stat status;
	new_pipe(ends);
	CHECK_OK(fstat(ends[0], &status));
	CHECK(S_ISFIFO(status.st_mode));
	int copy = dup(ends[0]);
	CHECK_OK(copy);
	CHECK_OK(dup2(ends[1], copy));
	CHECK_OK(close(copy));
	CHECK_OK(close(ends[0]));
	CHECK_OK(close(ends[1]));
}

CASE(mq_process_allocates_nothing_for_a_pipe_of_its_own)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "first", 0);
	queue_take(queue);
	is_watched = 1;
	write_and_read();
	poll_both();
	select_both();
	copy_and_close();
	is_watched = 0;
	CHECK_EQ(allocations, 0);
}

static volatile sig_atomic_t handled;

static void use_a_pipe(int signal)
{
	(void)signal;
	int error = errno;
	write_and_read();
	poll_both();
	copy_and_close();
	handled = handled + 1;
	errno = error;
}

CASE(mq_open_is_interrupted_by_a_handler_that_uses_a_pipe)
{
	enum { TIMES = 300 };
	struct sigaction action = { .sa_handler = use_a_pipe, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 500 }, { 0, 500 } };
	mqd_t queue = queue_small(0);
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	while (handled < TIMES) {
		mqd_t again = mq_open(queue_name(0), O_RDWR);
		CHECK_OK(again);
		CHECK_OK(mq_close(again));
		free(malloc(5000));
	}
	CHECK_OK(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL));
	queue_put(queue, "last", 0);
	queue_expect(queue, "last", 0);
}
