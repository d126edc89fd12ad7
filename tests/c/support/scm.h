/* Descriptors that are sent through a socket. */
#ifndef SUPPORT_SCM_H
#define SUPPORT_SCM_H

#include <sys/socket.h>
#include "check.h"

union scm {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static inline void scm_send(int socket, int fd)
{
	union scm control = { { 0 } };
	struct iovec data = { "x", 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	CHECK_EQ(sendmsg(socket, &message, 0), 1);
}

static inline int scm_receive(int socket)
{
	char byte;
	int fd;
	union scm control = { { 0 } };
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof control };
	CHECK_EQ(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), 1);
	CHECK(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

#endif
