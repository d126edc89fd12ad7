/* What fcntl(2) and ioctl(2) say of a queue, and do to it. */
#include "../support/queue.h"

#include <signal.h>
#include <sys/ioctl.h>

static mqd_t queue;

static int mode_of(mqd_t fd)
{
	return fcntl(fd, F_GETFL) & O_ACCMODE;
}

CASE(mq_fcntl_shows_what_the_queue_is_open_for)
{
	queue = queue_small(0);
	CHECK_EQ(fcntl(queue, F_GETFL), O_RDWR);
	CHECK_EQ(fcntl(queue_again(0, O_RDONLY), F_GETFL), O_RDONLY);
	CHECK_EQ(fcntl(queue_again(0, O_WRONLY | O_NONBLOCK), F_GETFL), O_WRONLY | O_NONBLOCK);
}

CASE(mq_fcntl_shows_what_a_duplicate_is_open_for)
{
	queue_small(0);
	mqd_t receiver = queue_again(0, O_RDONLY);
	CHECK_EQ(mode_of(dup(receiver)), O_RDONLY);
	CHECK_EQ(mode_of(fcntl(receiver, F_DUPFD_CLOEXEC, 50)), O_RDONLY);
}

CASE(mq_flags_may_be_set_to_what_was_read)
{
	queue_small(0);
	mqd_t sender = queue_again(0, O_WRONLY);
	CHECK_OK(fcntl(sender, F_SETFL, fcntl(sender, F_GETFL) | O_NONBLOCK));
	CHECK_EQ(fcntl(sender, F_GETFL), O_WRONLY | O_NONBLOCK);
	CHECK_OK(mq_send(sender, "x", 1, 0));
	CHECK_OK(fcntl(sender, F_SETFL, 0));
	CHECK_EQ(fcntl(sender, F_GETFL), O_WRONLY);
	CHECK_OK(mq_send(sender, "x", 1, 0));
}

/* A signal would end the program. */
CASE(mq_with_o_async_sends_no_signal)
{
	queue = queue_small(0);
	CHECK_OK(fcntl(queue, F_SETOWN, getpid()));
	CHECK_OK(fcntl(queue, F_SETFL, O_ASYNC));
	CHECK_EQ(fcntl(queue, F_GETFL), O_RDWR);
	CHECK_FAILS(ioctl(queue, FIOASYNC, &(int){ 1 }), ENOTTY);
	CHECK_EQ(queue_count(queue), 0);
	struct pollfd asked = { .fd = queue, .events = POLLIN };
	CHECK_EQ(poll(&asked, 1, 0), 0);
	queue_put(queue, "x", 0);
	CHECK_EQ(poll(&asked, 1, 0), 1);
	queue_take(queue);
	CHECK_EQ(poll(&asked, 1, 0), 0);
}

CASE(mq_has_no_o_direct)
{
	queue = queue_small(0);
	CHECK_FAILS(fcntl(queue, F_SETFL, O_DIRECT), EINVAL);
	CHECK_EQ(fcntl(queue, F_GETFL), O_RDWR);
}

CASE(mq_is_no_pipe_to_fcntl)
{
	queue = queue_small(0);
	CHECK_FAILS(fcntl(queue, F_GETPIPE_SZ), EBADF);
	CHECK_FAILS(fcntl(queue, F_SETPIPE_SZ, 4096), EBADF);
}

/* What the program says of signals takes nothing from the queue, nor gives it anything. */
CASE(mq_signal_of_fcntl_does_not_change_what_the_queue_is_open_for)
{
	queue_small(0);
	mqd_t receiver = queue_again(0, O_RDONLY);
	CHECK_EQ(fcntl(receiver, F_GETSIG), 0);
	CHECK_OK(fcntl(receiver, F_SETSIG, 0));
	CHECK_OK(fcntl(receiver, F_SETSIG, SIGINT));
	CHECK_FAILS(fcntl(receiver, F_SETSIG, 1000), EINVAL);
	int copy = (int)syscall(SYS_dup, receiver);
	CHECK_OK(copy);
	CHECK_FAILS(mq_send(copy, "x", 1, 0), EBADF);
	CHECK_EQ(queue_count(copy), 0);
}

CASE(mq_fionread_tells_how_much_of_the_status_line_is_left)
{
	int left = 0;
	queue = queue_small(0);
	CHECK_OK(ioctl(queue, FIONREAD, &left));
	CHECK_EQ(left, 80);
	CHECK_EQ(lseek(queue, 30, SEEK_SET), 30);
	CHECK_OK(ioctl(queue, FIONREAD, &left));
	CHECK_EQ(left, 50);
	CHECK_FAILS(ioctl(queue, FIONREAD, NULL), EFAULT);
}

CASE(mq_fcntl_of_a_pipe_beside_a_queue_is_its_own)
{
	int ends[2], left = 0;
	queue = queue_small(0);
	CHECK_OK(pipe(ends));
	CHECK_EQ(mode_of(ends[0]), O_RDONLY);
	CHECK_EQ(mode_of(ends[1]), O_WRONLY);
	CHECK_OK(fcntl(ends[1], F_SETFL, O_DIRECT | O_ASYNC));
	CHECK_EQ(fcntl(ends[1], F_GETFL), O_WRONLY | O_DIRECT | O_ASYNC);
	CHECK_OK(fcntl(ends[1], F_SETFL, 0));
	CHECK_OK(fcntl(ends[1], F_SETSIG, SIGUSR1));
	CHECK_EQ(fcntl(ends[1], F_GETSIG), SIGUSR1);
	CHECK(fcntl(ends[1], F_GETPIPE_SZ) > 0);
	CHECK_EQ(write(ends[1], "abc", 3), 3);
	CHECK_OK(ioctl(ends[0], FIONREAD, &left));
	CHECK_EQ(left, 3);
}

/* The number was a pipe's, which the C library has closed by itself. */
CASE(mq_poll_knows_a_copy_under_the_number_of_a_stream_that_was_closed)
{
	queue = queue_small(0);
	FILE *stream = popen("exit 0", "r");
	CHECK(stream);
	int number = fileno(stream);
	struct pollfd asked = { .fd = number, .events = POLLIN };
	poll(&asked, 1, 0);
	CHECK_OK(pclose(stream));
	CHECK_EQ(fcntl(queue, F_DUPFD, number), number);
	CHECK_EQ(poll(&asked, 1, 0), 0);
	queue_put(queue, "x", 0);
	CHECK_EQ(poll(&asked, 1, 0), 1);
	CHECK_EQ(asked.revents, POLLIN);
}

/* Tries a lock of this type by both commands. A lock that is refused is no lock. */
static void locks(mqd_t fd, short type, int error)
{
	static const int commands[] = { F_SETLK, F_OFD_SETLK };
	for (int i = 0; i < 2; i++) {
		struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_len = 1 };
		if (error)
			CHECK_FAILS(fcntl(fd, commands[i], &lock), error);
		else
			CHECK_OK(fcntl(fd, commands[i], &lock));
		lock.l_type = F_UNLCK;
		CHECK_OK(fcntl(fd, commands[i], &lock));
	}
}

CASE(mqd_takes_the_locks_that_it_is_open_for)
{
	struct flock wrong = { .l_type = F_WRLCK, .l_whence = 99 };
	mqd_t both = queue_small(0);
	mqd_t receiver = queue_again(0, O_RDONLY), sender = queue_again(0, O_WRONLY);
	locks(both, F_RDLCK, 0);
	locks(both, F_WRLCK, 0);
	locks(receiver, F_RDLCK, 0);
	locks(receiver, F_WRLCK, EBADF);
	locks(sender, F_RDLCK, EBADF);
	locks(sender, F_WRLCK, 0);
	CHECK_FAILS(fcntl(receiver, F_SETLK, &wrong), EINVAL);
	CHECK_FAILS(fcntl(receiver, F_SETLK, NULL), EFAULT);
}
