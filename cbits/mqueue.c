/* The calls of <mqueue.h> that wait, and mq_open, which is variadic. C, as a thread may be
 * cancelled in them. */
#include "mq_waits.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#pragma GCC visibility push(hidden)

/* The fast path. If these return that the thread must sleep, nothing has happened: the functions
 * below find out why. */
int rsipc_mq_send_at_once(struct rsipc_thread **thread, const struct rsipc_mq_send *call);
ssize_t rsipc_mq_receive_at_once(struct rsipc_thread **thread, const struct rsipc_mq_receive *call);
/* If these return that the thread must sleep, a wait has been placed that has not begun. */
int rsipc_mq_try_send(struct rsipc_thread **thread, struct rsipc_mq_wait *wait, mqd_t queue,
		      const char *body, size_t length, unsigned priority);
/* The length of the message; other answers are negated. `priority` may be NULL. */
ssize_t rsipc_mq_try_receive(struct rsipc_thread **thread, struct rsipc_mq_wait *wait, mqd_t queue,
			     char *body, size_t size, unsigned *priority);
/* `length` and `priority`: where the results of a receive go. */
int rsipc_mq_begin(struct rsipc_mq_wait *wait, clockid_t clock, const struct timespec *until,
		   ssize_t *length, unsigned *priority);
int rsipc_mq_check_time(clockid_t clock, const struct timespec *until);
extern const struct rsipc_wait_kind rsipc_mq_wait_kind;
mqd_t rsipc_mq_open(const char *name, int flags, mode_t mode, const struct mq_attr *attributes);

int rsipc_c_mq_timedsend(mqd_t queue, const char *body, size_t length, unsigned priority,
			 const struct timespec *until);
ssize_t rsipc_c_mq_timedreceive(mqd_t queue, char *body, size_t length, unsigned *priority,
				const struct timespec *until);
mqd_t rsipc_c_mq_open(const char *name, int flags, ...);
mqd_t rsipc_c_mq_open_2(const char *name, int flags);

#pragma GCC visibility pop

RSIPC_AS_DECLARED(mq_open);
RSIPC_AS_DECLARED(mq_send);
RSIPC_AS_DECLARED(mq_receive);
RSIPC_AS_DECLARED(mq_timedsend);
RSIPC_AS_DECLARED(mq_timedreceive);

/* What could not be done at once. The call is copied: a pointer to it would be made at the
 * beginning of each. */
__attribute__((noinline, cold)) static int send_slowly(struct rsipc_mq_send call, clockid_t clock,
						       const struct timespec *until)
{
	struct rsipc_mq_wait wait;
	int answer = rsipc_mq_try_send(&rsipc_thread, &wait, call.queue, call.body, call.length,
				       call.priority);
	if (answer == RSIPC_MUST_SLEEP)
		answer = rsipc_wait_on(&wait.wait, &rsipc_mq_wait_kind,
				       rsipc_mq_begin(&wait, clock, until, NULL, NULL));
	return rsipc_return(answer);
}

__attribute__((noinline, cold)) static ssize_t receive_slowly(struct rsipc_mq_receive call,
							      clockid_t clock,
							      const struct timespec *until)
{
	struct rsipc_mq_wait wait;
	ssize_t length = rsipc_mq_try_receive(&rsipc_thread, &wait, call.queue, call.body,
					      call.capacity, call.priority);
	if (length >= 0)
		return length;
	int answer = (int)-length;
	if (answer == RSIPC_MUST_SLEEP)
		answer = rsipc_wait_on(&wait.wait, &rsipc_mq_wait_kind,
				       rsipc_mq_begin(&wait, clock, until, &length, call.priority));
	return answer == 0 ? length : rsipc_return(answer);
}

/* Cancellation points, even without a wait. */
__attribute__((always_inline)) static inline int
send(const struct rsipc_mq_send *call, clockid_t clock, const struct timespec *until)
{
	int answer = rsipc_mq_send_at_once(&rsipc_thread, call);
	if (__builtin_expect(answer != 0, 0))
		return send_slowly(*call, clock, until);
	return answer;
}

int rsipc_c_mq_send(mqd_t queue, const char *body, size_t length, unsigned priority)
{
	struct rsipc_mq_send call = { body, length, priority, queue };
	pthread_testcancel();
	return send(&call, CLOCK_REALTIME, NULL);
}

int rsipc_c_mq_send_until(mqd_t queue, const char *body, size_t length, unsigned priority,
			  clockid_t clock, const struct timespec *until)
{
	struct rsipc_mq_send call = { body, length, priority, queue };
	pthread_testcancel();
	int answer = rsipc_mq_check_time(clock, until);
	return answer == 0 ? send(&call, clock, until) : rsipc_return(answer);
}

int rsipc_c_mq_timedsend(mqd_t queue, const char *body, size_t length, unsigned priority,
			 const struct timespec *until)
{
	return rsipc_c_mq_send_until(queue, body, length, priority, CLOCK_REALTIME, until);
}

__attribute__((always_inline)) static inline ssize_t
receive(const struct rsipc_mq_receive *call, clockid_t clock, const struct timespec *until)
{
	ssize_t length = rsipc_mq_receive_at_once(&rsipc_thread, call);
	if (__builtin_expect(length >= 0, 1))
		return length;
	if (length != -RSIPC_MUST_SLEEP)
		return rsipc_return((int)-length);
	return receive_slowly(*call, clock, until);
}

ssize_t rsipc_c_mq_receive(mqd_t queue, char *body, size_t size, unsigned *priority)
{
	struct rsipc_mq_receive call = { body, size, priority, queue };
	pthread_testcancel();
	return receive(&call, CLOCK_REALTIME, NULL);
}

ssize_t rsipc_c_mq_receive_until(mqd_t queue, char *body, size_t size, unsigned *priority,
				 clockid_t clock, const struct timespec *until)
{
	struct rsipc_mq_receive call = { body, size, priority, queue };
	pthread_testcancel();
	int answer = rsipc_mq_check_time(clock, until);
	return answer == 0 ? receive(&call, clock, until) : rsipc_return(answer);
}

ssize_t rsipc_c_mq_timedreceive(mqd_t queue, char *body, size_t size, unsigned *priority,
				const struct timespec *until)
{
	return rsipc_c_mq_receive_until(queue, body, size, priority, CLOCK_REALTIME, until);
}

mqd_t rsipc_c_mq_open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	const struct mq_attr *attributes = NULL;
	if (flags & O_CREAT) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		attributes = va_arg(args, const struct mq_attr *);
		va_end(args);
	}
	return rsipc_mq_open(name, flags, mode, attributes);
}

/* What a program built with _FORTIFY_SOURCE calls when the compiler saw two arguments. */
mqd_t rsipc_c_mq_open_2(const char *name, int flags)
{
	if (flags & O_CREAT) {
		fputs("*** invalid mq_open call: O_CREAT without mode and attributes ***: terminated\n",
		      stderr);
		abort();
	}
	return rsipc_mq_open(name, flags, 0, NULL);
}
