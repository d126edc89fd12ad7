/* The calls that send descriptors to other processes (SCM_RIGHTS). They are the kernel's; here only
 * queues among the descriptors are kept ready to be polled by a process that has never had one
 * (mq/poll of the core). */
#define _GNU_SOURCE
#include "concern.h"
#include "real.h"
#include "rsipc_cbits.h"

#include <sys/socket.h>

#pragma GCC visibility push(hidden)
void rsipc_before_sendmsg(struct rsipc_thread **thread, const struct msghdr *message);
void rsipc_before_sendmmsg(struct rsipc_thread **thread, const struct mmsghdr *messages,
			   unsigned count);

ssize_t rsipc_c_sendmsg(int socket, const struct msghdr *message, int flags);
int rsipc_c_sendmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags);
#pragma GCC visibility pop

RSIPC_AS_DECLARED(sendmsg);

ssize_t rsipc_c_sendmsg(int socket, const struct msghdr *message, int flags)
{
	if (rsipc_concerns(RSIPC_QUEUES))
		rsipc_before_sendmsg(&rsipc_thread, message);
	return RSIPC_REAL(sendmsg)(socket, message, flags);
}

int rsipc_c_sendmmsg(int socket, struct mmsghdr *messages, unsigned count, int flags)
{
	if (rsipc_concerns(RSIPC_QUEUES))
		rsipc_before_sendmmsg(&rsipc_thread, messages, count);
	return RSIPC_REAL(sendmmsg)(socket, messages, count, flags);
}
