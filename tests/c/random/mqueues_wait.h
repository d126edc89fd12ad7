/* Steps on POSIX message queues, continued: readiness, and the ways of a descriptor to another
 * process or program. */
#ifndef RANDOM_MQUEUES_WAIT_H
#define RANDOM_MQUEUES_WAIT_H

#include "mqueues.h"

static long select_queue(int queue, long events, struct timespec *timeout, struct reply *reply)
{
	fd_set readable, writable;
	if (queue == -1)
		return -1;
	FD_ZERO(&readable);
	FD_ZERO(&writable);
	if (events & POLLIN)
		FD_SET(queue, &readable);
	if (events & POLLOUT)
		FD_SET(queue, &writable);
	long result = pselect(queue + 1, &readable, &writable, NULL, timeout, NULL);
	if (result >= 0)
		say(reply, "%s%s", FD_ISSET(queue, &readable) ? " readable" : "",
		    FD_ISSET(queue, &writable) ? " writable" : "");
	return result;
}

static long poll_queues(const long *argument, struct reply *reply)
{
	int one = *slot_of(argument), other = slots[argument[OTHER]];
	short events = (short)argument[VALUE];
	struct timespec none = { 0, 0 }, *timeout = argument[WAITS] ? NULL : &none;
	struct pollfd fds[] = { { one, events, 0 }, { other, POLLIN, 0 } };
	if (argument[HOW] == 2)
		return select_queue(one, events, timeout, reply);
	long result = argument[HOW] == 1 ? ppoll(fds, 2, timeout, NULL)
					 : poll(fds, 2, argument[WAITS] ? -1 : 0);
	if (result >= 0)
		say(reply, " events %#x %#x", fds[0].revents, fds[1].revents);
	return result;
}

/* What the worker's epoll has: each slot with its number. */
static long use_epoll(const long *argument, struct reply *reply)
{
	int *used = slot_of(argument);
	struct epoll_event event = {
		.events = argument[VALUE] ? EPOLLIN : EPOLLIN | EPOLLOUT,
		.data.u32 = *used == -1 ? SLOTS : (uint32_t)(used - slots),
	};
	struct epoll_event events[16];
	static const int commands[] = {
		EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD,
	};
	if (epoll == -1)
		epoll = epoll_create1(EPOLL_CLOEXEC);
	errno = 0;
	long result = epoll_ctl(epoll, commands[argument[HOW]], *used, &event);
	int error = errno, count = epoll_wait(epoll, events, 16, 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		for (int i = 0; i < count; i++)
			if (events[i].data.u32 == slot)
				say(reply, " %u: %#x", slot, events[i].events);
	errno = error;
	return result;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* The library finds a queue that another process sends, or an exec leaves open, by its name, and
 * with the rights of the process. */
static bool has_name(int queue)
{
	struct stat status;
	return fstat(queue, &status) == 0 && status.st_nlink > 0;
}

static long pass_queue(const long *argument)
{
	if (!has_name(*slot_of(argument)))
		return 0;
	union control control = { { 0 } };
	struct iovec data = { "x", 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), slot_of(argument), sizeof(int));
	return sendmsg(post[0], &message, 0);
}

static long take_queue(const long *argument)
{
	char byte;
	int queue;
	union control control;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof control };
	long result = recvmsg(post[1], &message, argument[VALUE] ? MSG_CMSG_CLOEXEC : 0);
	if (result == -1)
		return -1;
	MUST(CMSG_FIRSTHDR(&message));
	memcpy(&queue, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof queue);
	put(argument[SLOT], queue);
	struct mq_attr attr;
	uid_t user = geteuid();
	MUST(seteuid(0) == 0 && mq_getattr(queue, &attr) == 0 && seteuid(user) == 0);
	return result;
}

static int own_channel(void)
{
	/* The only socket of this kind that a worker has. */
	for (int fd = 3;; fd++) {
		int kind = 0;
		socklen_t size = sizeof kind;
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 &&
		    kind == SOCK_SEQPACKET)
			return fd;
		MUST(fd < 1000);
	}
}

/* The worker goes on as a new program, with the queues that it has not marked. */
__attribute__((noreturn)) static void execute(void)
{
	enum { NUMBERS = 5 + SLOTS };
	char text[NUMBERS][16], *arguments[NUMBERS + 2] = { "worker" };
	int channel = own_channel();
	int numbers[NUMBERS] = { channel, processes_file, first_process, post[0], post[1] };
	/* Where the user differs from the real one, the loader preloads nothing. */
	MUST(seteuid(0) == 0 && setegid(0) == 0);
	MUST(fcntl(channel, F_SETFD, 0) == 0);
	for (int i = 0; i < SLOTS; i++) {
		bool is_closed = slots[i] == -1 || fcntl(slots[i], F_GETFD) & FD_CLOEXEC ||
				 !has_name(slots[i]);
		numbers[5 + i] = is_closed ? -1 : slots[i];
		/* In the library an exec ends all registrations. */
		mq_notify(slots[i], NULL);
		if (is_closed && slots[i] != -1)
			MUST(mq_close(slots[i]) == 0);
	}
	for (int i = 0; i < NUMBERS; i++) {
		snprintf(text[i], sizeof text[i], "%d", numbers[i]);
		arguments[i + 1] = text[i];
	}
	arguments[NUMBERS + 1] = NULL;
	execv("/proc/self/exe", arguments);
	MUST(!"exec");
}

/* Begins with the reply to the step that led here. */
__attribute__((noreturn)) static void go_on(char **arguments)
{
	struct reply reply = { .result = 0 };
	int channel = atoi(arguments[0]);
	map_processes(atoi(arguments[1]));
	first_process = atoi(arguments[2]);
	post[0] = atoi(arguments[3]);
	post[1] = atoi(arguments[4]);
	for (int i = 0; i < SLOTS; i++)
		slots[i] = atoi(arguments[5 + i]);
	MUST(fcntl(channel, F_SETFD, FD_CLOEXEC) == 0);
	MUST(send(channel, &reply, sizeof reply, 0) == sizeof reply);
	work(channel);
}

#endif
