/* msgsnd(3) and msgrcv(3) are cancellation points, and sleep. */
#define _GNU_SOURCE
#include "raw_cancel.h"
#include "rsipc_cbits.h"

#include <pthread.h>
#include <sys/msg.h>
#include <sys/syscall.h>

#pragma GCC visibility push(hidden)

/* Whether the calls are not the kernel's. */
int rsipc_msg_is_ours(void);
/* Where these answer that the thread must sleep, there is a wait that has not begun. */
int rsipc_msg_try_send(struct rsipc_thread **thread, struct rsipc_wait *wait, int queue,
		       const void *message, size_t length, int flags);
/* The length of the body; other answers are negated. */
ssize_t rsipc_msg_try_receive(struct rsipc_thread **thread, struct rsipc_wait *wait, int queue,
			      void *message, size_t size, long type, int flags);
/* `length`: where the result of a receive goes. */
int rsipc_msg_begin(struct rsipc_wait *wait, ssize_t *length);
extern const struct rsipc_wait_kind rsipc_msg_wait_kind;

int rsipc_c_msgsnd(int queue, const void *message, size_t length, int flags);
ssize_t rsipc_c_msgrcv(int queue, void *message, size_t size, long type, int flags);

#pragma GCC visibility pop

RSIPC_AS_DECLARED(msgsnd);
RSIPC_AS_DECLARED(msgrcv);

/* What could not be done at once. */
__attribute__((noinline, cold)) static int send_slowly(struct rsipc_wait *wait, int answer)
{
	if (answer == RSIPC_MUST_SLEEP)
		answer = rsipc_wait_on(wait, &rsipc_msg_wait_kind, rsipc_msg_begin(wait, NULL));
	return rsipc_return(answer);
}

__attribute__((noinline, cold)) static ssize_t receive_slowly(struct rsipc_wait *wait, int answer)
{
	ssize_t length;
	if (answer == RSIPC_MUST_SLEEP)
		answer = rsipc_wait_on(wait, &rsipc_msg_wait_kind, rsipc_msg_begin(wait, &length));
	return answer == 0 ? length : rsipc_return(answer);
}

int rsipc_c_msgsnd(int queue, const void *message, size_t length, int flags)
{
	struct rsipc_wait wait;
	if (__builtin_expect(!rsipc_msg_is_ours(), 0))
		return (int)RSIPC_CANCELLABLE(SYS_msgsnd, queue, (long)message, (long)length,
					      flags);
	pthread_testcancel();
	int answer = rsipc_msg_try_send(&rsipc_thread, &wait, queue, message, length, flags);
	if (__builtin_expect(answer == 0, 1))
		return 0;
	return send_slowly(&wait, answer);
}

ssize_t rsipc_c_msgrcv(int queue, void *message, size_t size, long type, int flags)
{
	struct rsipc_wait wait;
	if (__builtin_expect(!rsipc_msg_is_ours(), 0))
		return RSIPC_CANCELLABLE(SYS_msgrcv, queue, (long)message, (long)size, type, flags);
	pthread_testcancel();
	ssize_t length =
		rsipc_msg_try_receive(&rsipc_thread, &wait, queue, message, size, type, flags);
	if (__builtin_expect(length >= 0, 1))
		return length;
	return receive_slowly(&wait, (int)-length);
}
