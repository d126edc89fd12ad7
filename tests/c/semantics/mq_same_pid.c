/* A process that has been killed and another one that has its number are two. */
#include "../support/notify.h"
#include "../support/same_pid.h"

enum { ROUNDS = 4 };

static void tell(const int gate[2])
{
	CHECK_EQ(write(gate[1], "x", 1), 1);
}

static void await_told(const int gate[2])
{
	char byte;
	CHECK_EQ(read(gate[0], &byte, 1), 1);
}

CASE(mq_notify_does_not_pass_to_a_process_with_the_same_number)
{
	int gate[2];
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(pipe(gate));
	for (int i = 0; i < ROUNDS; i++) {
		pid_t first = check_fork();
		if (first == 0) {
			CHECK_OK(ask_for_note(queue, 1));
			tell(gate);
			for (;;)
				pause();
		}
		await_told(gate);
		kill_and_reap(first);
		pid_t second = fork_as(first);
		if (second == 0) {
			tell(gate);
			expect_no_note();
			_exit(0);
		}
		if (second == -1)
			CHECK_SKIP("the number of a process cannot be chosen");
		await_told(gate);
		queue_put(queue, "for nobody", 0);
		queue_take(queue);
		check_child(second);
		CHECK_OK(ask_for_note(queue, 2));
		CHECK_OK(mq_notify(queue, NULL));
	}
}

CASE(mq_receiver_with_the_number_of_one_that_was_killed_gets_the_message)
{
	mqd_t queue = queue_small(0);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t first = check_fork();
		if (first == 0) {
			queue_take(queue);
			_exit(1);
		}
		queue_await_asleep(first);
		kill_and_reap(first);
		pid_t second = fork_as(first);
		if (second == 0) {
			queue_take(queue);
			_exit(0);
		}
		if (second == -1)
			CHECK_SKIP("the number of a process cannot be chosen");
		queue_await_asleep(second);
		queue_put(queue, "for the second", 0);
		check_child(second);
	}
}
