/* The calls on queues that <mqueue.h> does not have. */
#include "mq_waits.h"

#pragma GCC visibility push(hidden)

/* As many as can be done without a wait; the negative of an errno: not the first one. */
int rsipc_mq_send_some(struct rsipc_thread **thread, mqd_t queue,
		       const struct rsipc_mq_message *messages, unsigned count);
int rsipc_mq_receive_some(struct rsipc_thread **thread, mqd_t queue,
			  struct rsipc_mq_message *messages, unsigned count);

int rsipc_c_mq_clocksend(mqd_t queue, const char *body, size_t length, unsigned priority,
			 clockid_t clock, const struct timespec *until);
ssize_t rsipc_c_mq_clockreceive(mqd_t queue, char *body, size_t length, unsigned *priority,
				clockid_t clock, const struct timespec *until);
int rsipc_c_mq_sendv(mqd_t queue, const struct rsipc_mq_message *messages, unsigned count);
int rsipc_c_mq_recvv(mqd_t queue, struct rsipc_mq_message *messages, unsigned count);

#pragma GCC visibility pop

int rsipc_c_mq_clocksend(mqd_t queue, const char *body, size_t length, unsigned priority,
			 clockid_t clock, const struct timespec *until)
{
	return rsipc_c_mq_send_until(queue, body, length, priority, clock, until);
}

ssize_t rsipc_c_mq_clockreceive(mqd_t queue, char *body, size_t length, unsigned *priority,
				clockid_t clock, const struct timespec *until)
{
	return rsipc_c_mq_receive_until(queue, body, length, priority, clock, until);
}

/* What may follow the first message is no cancellation point: a thread that is cancelled has sent
 * nothing. */
int rsipc_c_mq_sendv(mqd_t queue, const struct rsipc_mq_message *messages, unsigned count)
{
	pthread_testcancel();
	int sent = rsipc_mq_send_some(&rsipc_thread, queue, messages, count);
	if (sent != 0 || count == 0)
		return sent < 0 ? rsipc_return(-sent) : sent;
	if (rsipc_c_mq_send(queue, messages->body, messages->length, messages->priority) == -1)
		return -1;
	sent = rsipc_mq_send_some(&rsipc_thread, queue, messages + 1, count - 1);
	return sent > 0 ? 1 + sent : 1;
}

int rsipc_c_mq_recvv(mqd_t queue, struct rsipc_mq_message *messages, unsigned count)
{
	pthread_testcancel();
	int received = rsipc_mq_receive_some(&rsipc_thread, queue, messages, count);
	if (received != 0 || count == 0)
		return received < 0 ? rsipc_return(-received) : received;
	ssize_t length = rsipc_c_mq_receive(queue, messages->body, messages->length,
					    &messages->priority);
	if (length == -1)
		return -1;
	messages->length = (size_t)length;
	received = rsipc_mq_receive_some(&rsipc_thread, queue, messages + 1, count - 1);
	return received > 0 ? 1 + received : 1;
}
