/* The waiting calls of mqueue.c, for mqueue_ext.c. */
#ifndef RSIPC_CBITS_MQ_WAITS_H
#define RSIPC_CBITS_MQ_WAITS_H

#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <mqueue.h>
#include <pthread.h>

#pragma GCC visibility push(hidden)

int rsipc_c_mq_send(mqd_t queue, const char *body, size_t length, unsigned priority);
ssize_t rsipc_c_mq_receive(mqd_t queue, char *body, size_t length, unsigned *priority);

/* `until`: a time of CLOCK_REALTIME or CLOCK_MONOTONIC; EINVAL for another clock. NULL: without an
 * end. */
int rsipc_c_mq_send_until(mqd_t queue, const char *body, size_t length, unsigned priority,
			  clockid_t clock, const struct timespec *until);
ssize_t rsipc_c_mq_receive_until(mqd_t queue, char *body, size_t length, unsigned *priority,
				 clockid_t clock, const struct timespec *until);

#pragma GCC visibility pop

#endif
