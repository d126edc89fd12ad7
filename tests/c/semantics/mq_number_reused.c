/* A descriptor of a queue is closed without close(2) or dup2(2) of the C library, and its number
 * becomes another file's: the calls that ask the kernel see that file. */
#include "../support/queue.h"

#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* A queue that has been polled, and is empty. */
static mqd_t polled_queue(void)
{
	mqd_t queue = queue_small(0);
	CHECK_EQ(queue_events(queue), POLLOUT);
	return queue;
}

static void is_ready(int fd)
{
	struct pollfd asked = { fd, POLLIN, 0 };
	struct epoll_event told = { .events = EPOLLIN };
	fd_set set;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	CHECK_EQ(poll(&asked, 1, 0), 1);
	CHECK_EQ(asked.revents, POLLIN);
	CHECK_EQ(select(fd + 1, &set, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(fd, &set));
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &told));
	CHECK_EQ(epoll_wait(epoll, &told, 1, 0), 1);
	CHECK_OK(close(epoll));
}

/* `number` is the one end, and `other` is the other. */
static void is_a_socket(int number, int other)
{
	char got[8];
	struct stat status;
	CHECK_EQ(write(other, "hello", 5), 5);
	is_ready(number);
	CHECK_OK(fstat(number, &status));
	CHECK(S_ISSOCK(status.st_mode));
	CHECK_EQ(read(number, got, sizeof got), 5);
	CHECK_EQ(memcmp(got, "hello", 5), 0);
	CHECK_EQ(write(number, "back", 4), 4);
	CHECK_EQ(read(other, got, sizeof got), 4);
	CHECK_FAILS(lseek(number, 0, SEEK_SET), ESPIPE);
	struct flock lock = { .l_type = F_WRLCK };
	CHECK_OK(fcntl(number, F_GETLK, &lock));
	CHECK_EQ(lock.l_type, F_UNLCK);
	CHECK_OK(close(number));
	CHECK_FAILS(fcntl(number, F_GETFD), EBADF);
}

static void make_sockets(int ends[2])
{
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

CASE(mqd_closed_by_a_system_call_leaves_its_number_to_a_socket)
{
	int ends[2];
	mqd_t queue = polled_queue();
	make_sockets(ends);
	CHECK_OK(syscall(SYS_close, queue));
	CHECK_EQ(fcntl(ends[0], F_DUPFD, queue), queue);
	is_a_socket(queue, ends[1]);
}

CASE(mqd_replaced_by_a_system_call_leaves_its_number_to_a_socket)
{
	int ends[2];
	mqd_t queue = polled_queue();
	make_sockets(ends);
	CHECK_EQ(syscall(SYS_dup3, ends[0], queue, 0), queue);
	is_a_socket(queue, ends[1]);
}

CASE(mqd_closed_by_fclose_leaves_its_number_to_a_socket)
{
	int ends[2];
	mqd_t queue = polled_queue();
	make_sockets(ends);
	FILE *stream = fdopen(queue, "r+");
	CHECK(stream);
	CHECK_OK(fclose(stream));
	CHECK_EQ(fcntl(ends[0], F_DUPFD, queue), queue);
	is_a_socket(queue, ends[1]);
}
