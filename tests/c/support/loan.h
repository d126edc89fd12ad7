/* What the checks on loans and borrowed messages share. */
#ifndef SUPPORT_LOAN_H
#define SUPPORT_LOAN_H

#include <rsipc.h>
#include "queue.h"

static inline void *loan(mqd_t queue)
{
	return rsipc_mq_loan(queue, 0, CLOCK_REALTIME, NULL);
}

static inline void *borrow(mqd_t queue)
{
	return rsipc_mq_borrow(queue, NULL, NULL, CLOCK_REALTIME, NULL);
}

/* A text as a message, by a loan. */
static inline void loan_put(mqd_t queue, const char *text, unsigned priority)
{
	char *body = loan(queue);
	CHECK(body);
	memcpy(body, text, strlen(text));
	CHECK_OK(rsipc_mq_commit(queue, body, strlen(text), priority));
}

/* The next message, which is this one. */
static inline void *borrow_expecting(mqd_t queue, const char *text, unsigned priority)
{
	size_t length = 99999;
	unsigned its = 99999;
	struct timespec past = { 0 };
	char *body = rsipc_mq_borrow(queue, &length, &its, CLOCK_MONOTONIC, &past);
	if (!body)
		check_fail(__FILE__, __LINE__, "borrow: %s, not \"%s\"", strerror(errno), text);
	if (length != strlen(text) || memcmp(body, text, length) != 0)
		check_fail(__FILE__, __LINE__, "borrowed \"%.*s\", expected \"%s\"", (int)length,
			   body, text);
	CHECK_EQ(its, priority);
	return body;
}

/* There is nothing to borrow, and nothing to receive. */
static inline void expect_no_message(mqd_t queue)
{
	struct timespec past = { 0 };
	char got[8192];
	CHECK_FAILS_AS(rsipc_mq_borrow(queue, NULL, NULL, CLOCK_MONOTONIC, &past), NULL, ETIMEDOUT);
	CHECK_FAILS(rsipc_mq_clockreceive(queue, got, sizeof got, NULL, CLOCK_MONOTONIC, &past),
		    ETIMEDOUT);
}

/* So many messages can be sent, and no more. */
static inline void expect_room_for(mqd_t queue, int count)
{
	struct timespec past = { 0 };
	for (int i = 0; i < count; i++)
		CHECK_OK(rsipc_mq_clocksend(queue, "room", 4, 0, CLOCK_MONOTONIC, &past));
	CHECK_FAILS(rsipc_mq_clocksend(queue, "room", 4, 0, CLOCK_MONOTONIC, &past), ETIMEDOUT);
}

/* A child that does this, says so, and waits to be killed. */
static inline pid_t child_that(void (*act)(mqd_t queue), mqd_t queue)
{
	int said[2];
	char byte;
	CHECK_OK(pipe(said));
	pid_t child = check_fork();
	if (child == 0) {
		act(queue);
		CHECK_EQ(write(said[1], "x", 1), 1);
		for (;;)
			pause();
	}
	close(said[1]);
	CHECK_EQ(read(said[0], &byte, 1), 1);
	close(said[0]);
	return child;
}

#endif
