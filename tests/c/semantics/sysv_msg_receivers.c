/* Receivers that sleep: a message is handed to the first of them that it suits, and never lies in
 * the queue. */
#include "../support/sysv_msg_sleepers.h"

CASE(msgrcv_sleeps_until_a_message_comes)
{
	int queue = new_queue();
	struct sleeper *thread = RECEIVES(queue, 0, 0);
	PUT(queue, 4, "for the thread");
	GETS(thread, 4, "for the thread");
	struct sleeper *process = PROCESS_RECEIVES(queue, 0, 0);
	PUT(queue, 5, "for the process");
	GETS(process, 5, "for the process");
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgrcv_sleeps_on_over_messages_of_other_types)
{
	int queue = new_queue();
	struct sleeper *receiver = RECEIVES(queue, 7, 0);
	PUT(queue, 6, "not this");
	PUT(queue, 8, "nor this");
	SLEEPS_ON(receiver);
	CHECK_HOLDS(queue, 2, 16);
	PUT(queue, 7, "this");
	GETS(receiver, 7, "this");
	CHECK_HOLDS(queue, 2, 16);
}

CASE(msgrcv_sleeps_in_a_queue_that_holds_other_types)
{
	int queue = new_queue();
	PUT(queue, 1, "other");
	struct sleeper *receiver = PROCESS_RECEIVES(queue, 2, 0);
	PUT(queue, 2, "wanted");
	GETS(receiver, 2, "wanted");
	GET(queue, 0, 0, 1, "other");
}

CASE(msgrcv_asleep_with_a_bound)
{
	int queue = new_queue();
	struct sleeper *receiver = RECEIVES(queue, -3, 0);
	PUT(queue, 4, "too high");
	SLEEPS_ON(receiver);
	PUT(queue, 3, "within");
	GETS(receiver, 3, "within");
	receiver = RECEIVES(queue, -3, 0);
	PUT(queue, 1, "lowest");
	GETS(receiver, 1, "lowest");
	CHECK_HOLDS(queue, 1, 8);
}

CASE(msgrcv_asleep_with_except)
{
	int queue = new_queue();
	struct sleeper *receiver = RECEIVES(queue, 5, MSG_EXCEPT);
	PUT(queue, 5, "excepted");
	SLEEPS_ON(receiver);
	PUT(queue, 4, "other");
	GETS(receiver, 4, "other");
	GET(queue, 0, 0, 5, "excepted");
}

CASE(msgrcv_asleep_with_a_bound_of_long_min)
{
	int queue = new_queue();
	struct sleeper *receiver = RECEIVES(queue, LONG_MIN, 0);
	PUT(queue, LONG_MAX, "highest");
	GETS(receiver, LONG_MAX, "highest");
}

CASE(msgrcv_message_for_a_sleeper_is_gone_at_once)
{
	for (int turn = 0; turn < 20; turn++) {
		int queue = new_queue();
		struct sleeper *receiver = turn % 2 ? RECEIVES(queue, 0, 0)
						    : PROCESS_RECEIVES(queue, 0, 0);
		PUT(queue, 1, "handed over");
		CHECK_HOLDS(queue, 0, 0);
		GET_NONE(queue, 0, 0);
		GETS(receiver, 1, "handed over");
	}
}

CASE(msgrcv_sleepers_are_served_by_arrival)
{
	enum { MANY = 8 };
	static const char *const texts[] = { "0", "1", "2", "3", "4", "5", "6", "7" };
	struct sleeper *receivers[MANY];
	int queue = new_queue();
	for (int i = 0; i < MANY; i++)
		receivers[i] = i % 3 ? RECEIVES(queue, 0, 0) : PROCESS_RECEIVES(queue, 0, 0);
	for (int i = 0; i < MANY; i++)
		PUT(queue, i + 1, texts[i]);
	CHECK_HOLDS(queue, 0, 0);
	for (int i = 0; i < MANY; i++)
		GETS(receivers[i], i + 1, texts[i]);
}

CASE(msgrcv_first_that_the_message_suits_gets_it)
{
	int queue = new_queue();
	struct sleeper *five = RECEIVES(queue, 5, 0), *bound = PROCESS_RECEIVES(queue, -4, 0),
		       *except = RECEIVES(queue, 4, MSG_EXCEPT), *any = RECEIVES(queue, 0, 0),
		       *four = PROCESS_RECEIVES(queue, 4, 0);
	PUT(queue, 4, "under the bound");
	PUT(queue, 6, "not four");
	PUT(queue, 4, "any");
	PUT(queue, 5, "five");
	PUT(queue, 4, "four");
	CHECK_HOLDS(queue, 0, 0);
	GETS(bound, 4, "under the bound");
	GETS(except, 6, "not four");
	GETS(any, 4, "any");
	GETS(five, 5, "five");
	GETS(four, 4, "four");
}

CASE(msgrcv_asleep_with_too_small_a_buffer_is_e2big_and_the_next_is_tried)
{
	int queue = new_queue();
	struct sleeper *small = sleep_in_thread(receiver_of(queue, 3, 0, 0)),
		       *smaller = sleep_in_process(receiver_of(queue, 0, 0, 0)),
		       *large = RECEIVES(queue, 0, 0);
	PUT(queue, 1, "four");
	CHECK_HOLDS(queue, 0, 0);
	CHECK_EQ(end_of(small), E2BIG);
	CHECK_EQ(end_of(smaller), E2BIG);
	GETS(large, 1, "four");
}

CASE(msgrcv_asleep_with_too_small_a_buffer_leaves_the_message_if_no_other_takes_it)
{
	int queue = new_queue();
	struct sleeper *small = sleep_in_thread(receiver_of(queue, 3, 0, 0)),
		       *other = RECEIVES(queue, 2, 0);
	PUT(queue, 1, "four");
	CHECK_EQ(end_of(small), E2BIG);
	CHECK_HOLDS(queue, 1, 4);
	SLEEPS_ON(other);
	GET(queue, 0, 0, 1, "four");
	PUT(queue, 2, "for it");
	GETS(other, 2, "for it");
}

CASE(msgrcv_asleep_with_too_small_a_buffer_of_another_type_sleeps_on)
{
	int queue = new_queue();
	struct sleeper *small = sleep_in_thread(receiver_of(queue, 3, 9, 0));
	PUT(queue, 1, "four");
	SLEEPS_ON(small);
	PUT(queue, 9, "abc");
	GETS(small, 9, "abc");
	CHECK_HOLDS(queue, 1, 4);
}

CASE(msgrcv_asleep_with_noerror_gets_what_fits)
{
	int queue = new_queue();
	struct sleeper *receiver = sleep_in_thread(receiver_of(queue, 4, 0, MSG_NOERROR));
	PUT(queue, 1, "half of it");
	GETS(receiver, 1, "half");
	receiver = sleep_in_process(receiver_of(queue, 0, 0, MSG_NOERROR));
	PUT(queue, 2, "nothing of it");
	GETS(receiver, 2, "");
	CHECK_HOLDS(queue, 0, 0);
}

CASE(msgrcv_asleep_gets_a_message_of_length_0)
{
	int queue = new_queue();
	struct sleeper *receiver = sleep_in_process(receiver_of(queue, 0, 0, 0));
	PUT(queue, 3, "");
	CHECK_HOLDS(queue, 0, 0);
	GETS(receiver, 3, "");
}

CASE(msgrcv_asleep_gets_bodies_of_all_sizes)
{
	int queue = new_queue();
	size_t sizes[] = { 1, 7, 8, 63, 64, 65, 1000, 4047, 4048, 4096, 8191, 8192 };
	for (unsigned i = 0; i < 12; i++) {
		struct sleeper *receiver = i % 2 ? RECEIVES(queue, 0, 0)
						 : PROCESS_RECEIVES(queue, 0, 0);
		PUT_BYTES(queue, 1, sizes[i], i);
		CHECK_EQ(end_of(receiver), 0);
		CHECK_EQ(receiver->length, sizes[i]);
		for (size_t place = 0; place < BODY; place++)
			CHECK_EQ(receiver->message.body[place],
				 place < sizes[i] ? byte_of(i, place) : 0xa5);
	}
}

CASE(msgrcv_sleepers_do_not_stand_in_the_way_of_other_types)
{
	int queue = new_queue();
	struct sleeper *sleepers[6];
	for (int i = 0; i < 6; i++)
		sleepers[i] = RECEIVES(queue, 100 + i, 0);
	for (long type = 1; type < 50; type++)
		PUT(queue, type, "x");
	for (long type = 49; type > 0; type--)
		GET(queue, type, 0, type, "x");
	for (int i = 5; i >= 0; i--)
		PUT(queue, 100 + i, "yours");
	for (int i = 0; i < 6; i++)
		GETS(sleepers[i], 100 + i, "yours");
}

CASE(msgrcv_killed_asleep_takes_nothing)
{
	int queue = new_queue();
	for (int turn = 0; turn < 5; turn++) {
		struct sleeper *first = PROCESS_RECEIVES(queue, 0, 0),
			       *next = RECEIVES(queue, 0, 0);
		kill_sleeper(first);
		PUT(queue, 1, "for the living");
		GETS(next, 1, "for the living");
		CHECK_HOLDS(queue, 0, 0);
	}
	kill_sleeper(PROCESS_RECEIVES(queue, 0, 0));
	PUT(queue, 1, "stays");
	CHECK_HOLDS(queue, 1, 5);
	GET(queue, 0, 0, 1, "stays");
}

/* However shortly before. */
CASE(msgrcv_killed_asleep_holds_nothing_back)
{
	int queue = new_queue();
	for (int turn = 0; turn < 30; turn++) {
		pid_t receiver = check_fork();
		if (receiver == 0) {
			msgrcv(queue, &(struct message){ 0 }, BODY, 0, 0);
			_exit(0);
		}
		CHECK_SOON(asleep(receiver, receiver));
		CHECK_OK(kill(receiver, SIGKILL));
		CHECK_EQ(waitpid(receiver, NULL, 0), receiver);
		if (turn % 2)
			limit_queue(queue, 1000);
		PUT(queue, 1, "stays");
		if (turn % 3)
			CHECK_HOLDS(queue, 1, 5);
		GET(queue, 0, 0, 1, "stays");
	}
}

CASE(msgrcv_50_sleepers_get_one_message_each)
{
	enum { MANY = 50 };
	struct sleeper *receivers[MANY];
	int queue = new_queue();
	for (int i = 0; i < MANY; i++) {
		receivers[i] = sleep_in_thread(receiver_of(queue, 4, 0, 0));
		SLEEPS_ON(receivers[i]);
	}
	for (unsigned i = 0; i < MANY; i++)
		PUT_BYTES(queue, 1, 4, i);
	CHECK_HOLDS(queue, 0, 0);
	for (unsigned i = 0; i < MANY; i++) {
		CHECK_EQ(end_of(receivers[i]), 0);
		CHECK_EQ(receivers[i]->length, 4);
		for (size_t place = 0; place < 4; place++)
			CHECK_EQ(receivers[i]->message.body[place], byte_of(i, place));
	}
}

CASE(msgctl_set_leaves_sleeping_receivers_asleep)
{
	int queue = new_queue();
	struct sleeper *one = RECEIVES(queue, 3, 0), *other = PROCESS_RECEIVES(queue, 0, 0);
	limit_queue(queue, 1000);
	SLEEPS_ON(one);
	SLEEPS_ON(other);
	limit_queue(queue, 0);
	SLEEPS_ON(one);
	SLEEPS_ON(other);
	limit_queue(queue, 100);
	PUT(queue, 2, "other");
	GETS(other, 2, "other");
	PUT(queue, 3, "one");
	GETS(one, 3, "one");
}
