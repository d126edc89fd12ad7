/* Loans and borrowed messages: calls that wait as mq_send and mq_receive do, and give memory. */
#include "mq_waits.h"

#pragma GCC visibility push(hidden)

/* `what`: RSIPC_LOAN or RSIPC_BORROW. 0: *body is set; an errno; or that the thread must sleep, and
 * a wait has been placed that has not begun. `length` and `priority`: of a message that is
 * borrowed; may be NULL. */
int rsipc_mq_try_hold(struct rsipc_thread **thread, struct rsipc_mq_wait *wait, mqd_t queue,
		      int what, unsigned flags, void **body, size_t *length, unsigned *priority);
int rsipc_mq_begin_hold(struct rsipc_mq_wait *wait, clockid_t clock, const struct timespec *until,
			void **body, size_t *length, unsigned *priority);
int rsipc_mq_check_time(clockid_t clock, const struct timespec *until);
extern const struct rsipc_wait_kind rsipc_mq_wait_kind;

void *rsipc_c_mq_loan(mqd_t queue, unsigned flags, clockid_t clock, const struct timespec *until);
void *rsipc_c_mq_borrow(mqd_t queue, size_t *length, unsigned *priority, clockid_t clock,
			const struct timespec *until);

#pragma GCC visibility pop

static void *hold(mqd_t queue, int what, unsigned flags, size_t *length, unsigned *priority,
		  clockid_t clock, const struct timespec *until)
{
	struct rsipc_mq_wait wait;
	void *body = NULL;

	pthread_testcancel();
	int answer = rsipc_mq_check_time(clock, until);
	if (answer == 0)
		answer = rsipc_mq_try_hold(&rsipc_thread, &wait, queue, what, flags, &body, length,
					   priority);
	if (answer == RSIPC_MUST_SLEEP)
		answer = rsipc_wait_on(&wait.wait, &rsipc_mq_wait_kind,
				       rsipc_mq_begin_hold(&wait, clock, until, &body, length,
							   priority));
	return rsipc_return(answer) == 0 ? body : NULL;
}

void *rsipc_c_mq_loan(mqd_t queue, unsigned flags, clockid_t clock, const struct timespec *until)
{
	return hold(queue, RSIPC_LOAN, flags, NULL, NULL, clock, until);
}

void *rsipc_c_mq_borrow(mqd_t queue, size_t *length, unsigned *priority, clockid_t clock,
			const struct timespec *until)
{
	return hold(queue, RSIPC_BORROW, 0, length, priority, clock, until);
}
