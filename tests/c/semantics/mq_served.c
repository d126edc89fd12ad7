/* Calls with O_NONBLOCK beside threads that sleep. The kernel serves a sleeper in the call that
 * wakes it, so what it leaves, a place or a message, is there for the next call. */
#include "../support/queue.h"

enum { PLACES = 2, SLEEPERS = 2, ROUNDS = 10 };

static mqd_t queue, patient;

static void set_up(void)
{
	queue = queue_create(0, O_RDWR | O_NONBLOCK, PLACES, 8);
	patient = queue_again(0, O_RDWR);
}

static void begin(pid_t sleepers[SLEEPERS], void (*task)(mqd_t))
{
	for (int i = 0; i < SLEEPERS; i++) {
		sleepers[i] = check_fork();
		if (sleepers[i] == 0) {
			task(patient);
			_exit(0);
		}
		queue_await_asleep(sleepers[i]);
	}
}

static void take_all(void)
{
	char got[8];
	while (mq_receive(queue, got, sizeof got, NULL) >= 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

static void end(pid_t sleepers[SLEEPERS])
{
	for (int i = 0; i < SLEEPERS; i++)
		check_child(sleepers[i]);
	take_all();
}

static void send_one(mqd_t to)
{
	queue_put(to, "s", 0);
}

CASE(mq_send_without_waiting_fills_the_places_of_those_that_sleepers_fetch)
{
	pid_t sleepers[SLEEPERS];
	set_up();
	for (int round = 0; round < ROUNDS; round++) {
		begin(sleepers, queue_take);
		for (int i = 0; i < PLACES + SLEEPERS; i++)
			queue_put(queue, "m", 0);
		CHECK_FAILS(mq_send(queue, "m", 1, 0), EAGAIN);
		end(sleepers);
	}
}

CASE(mq_receive_without_waiting_gets_what_sleepers_send)
{
	pid_t sleepers[SLEEPERS];
	set_up();
	for (int round = 0; round < ROUNDS; round++) {
		queue_fill(queue);
		begin(sleepers, send_one);
		for (int i = 0; i < PLACES + SLEEPERS; i++)
			queue_take(queue);
		CHECK_FAILS(mq_receive(queue, (char[8]){ 0 }, 8, NULL), EAGAIN);
		end(sleepers);
	}
}

/* Most of them: the time that a call takes is not the library's alone. */
CASE(mq_calls_that_nobody_waits_beside_fail_at_once)
{
	enum { CALLS = 2000 };
	set_up();
	double begun = seconds_now();
	for (int i = 0; i < CALLS; i++)
		CHECK_FAILS(mq_receive(queue, (char[8]){ 0 }, 8, NULL), EAGAIN);
	queue_fill(queue);
	for (int i = 0; i < CALLS; i++)
		CHECK_FAILS(mq_send(queue, "m", 1, 0), EAGAIN);
	CHECK(seconds_now() - begun < 0.0005 * CALLS);
}
