/* mq_notify: which process may register, when, how, and how to take it back. */
#include "../support/notify.h"

CASE(mq_notify_twice_is_ebusy_in_the_same_process)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_FAILS(ask_for_note(queue, 2), EBUSY);
	CHECK_FAILS(ask_for_note(queue_again(0, O_RDONLY), 3), EBUSY);
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 1);
}

CASE(mq_notify_twice_is_ebusy_in_another_process)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 1));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_FAILS(ask_for_note(queue, 2), EBUSY);
		CHECK_FAILS(ask_for_note(queue_again(0, O_RDWR), 2), EBUSY);
		_exit(0);
	}
	check_child(child);
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 1);
}

CASE(mq_notify_is_free_for_others_once_it_came)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 1));
	queue_put(queue, "note", 0);
	expect_note();
	queue_expect(queue, "note", 0);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(ask_for_note(queue, 2));
		queue_put(queue, "note", 0);
		CHECK_EQ(expect_note().si_value.sival_int, 2);
		_exit(0);
	}
	check_child(child);
	expect_no_note();
}

CASE(mq_notify_with_null_takes_it_back)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(mq_notify(queue, NULL));
	queue_put(queue, "no note", 0);
	expect_no_note();
	queue_expect(queue, "no note", 0);
	CHECK_OK(ask_for_note(queue, 2));
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 2);
}

CASE(mq_notify_with_null_through_another_descriptor_takes_it_back)
{
	mqd_t queue = queue_for_notes(0);
	mqd_t again = queue_again(0, O_WRONLY);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(mq_notify(again, NULL));
	CHECK_OK(ask_for_note(queue, 2));
}

CASE(mq_notify_with_null_succeeds_without_a_registration)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(mq_notify(queue, NULL));
	CHECK_OK(mq_notify(queue, NULL));
}

CASE(mq_notify_with_null_leaves_the_registration_of_another)
{
	mqd_t queue = queue_for_notes(0);
	CHECK_OK(ask_for_note(queue, 6));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(mq_notify(queue, NULL));
		CHECK_OK(mq_notify(queue_again(0, O_RDWR), NULL));
		CHECK_FAILS(ask_for_note(queue, 2), EBUSY);
		queue_put(queue, "note", 0);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(expect_note().si_value.sival_int, 6);
}

CASE(mq_notify_in_an_unknown_way_is_einval)
{
	mqd_t queue = queue_for_notes(0);
	int ways[] = { 3, 5, 77, -1 };
	for (int i = 0; i < 4; i++) {
		struct sigevent event = { .sigev_notify = ways[i], .sigev_signo = NOTE };
		CHECK_FAILS(mq_notify(queue, &event), EINVAL);
		CHECK_FAILS(mq_notify(-1, &event), EINVAL);
	}
	CHECK_OK(ask_for_note(queue, 0));
}

CASE(mq_notify_by_a_signal_that_does_not_exist_is_einval)
{
	mqd_t queue = queue_for_notes(0);
	int numbers[] = { 65, 1000, -1, 0x7fffffff };
	for (int i = 0; i < 4; i++) {
		struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = numbers[i] };
		CHECK_FAILS(mq_notify(queue, &event), EINVAL);
		CHECK_FAILS(mq_notify(-1, &event), EINVAL);
	}
	CHECK_OK(ask_for_note(queue, 0));
}

CASE(mq_notify_does_not_judge_the_number_when_no_signal_is_wanted)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE, .sigev_signo = 1000 };
	CHECK_OK(mq_notify(queue_small(0), &event));
}

CASE(mq_notify_on_what_is_no_queue_is_ebadf)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_FAILS(ask_for_note(-1, 0), EBADF);
	CHECK_FAILS(ask_for_note(12345, 0), EBADF);
	CHECK_FAILS(ask_for_note(ends[0], 0), EBADF);
	CHECK_FAILS(mq_notify(-1, NULL), EBADF);
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(ask_for_note(queue, 0), EBADF);
}

CASE(mq_notify_works_in_every_access_mode)
{
	mqd_t queue = queue_for_notes(0);
	int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	for (int i = 0; i < 3; i++) {
		CHECK_OK(ask_for_note(queue_again(0, modes[i]), i));
		queue_put(queue, "note", 0);
		CHECK_EQ(expect_note().si_value.sival_int, i);
		queue_expect(queue, "note", 0);
	}
}

CASE(mq_notify_by_nothing_takes_the_place_and_is_used_up)
{
	mqd_t queue = queue_for_notes(0);
	struct sigevent silent = { .sigev_notify = SIGEV_NONE };
	CHECK_OK(mq_notify(queue, &silent));
	CHECK_FAILS(mq_notify(queue, &silent), EBUSY);
	CHECK_FAILS(ask_for_note(queue, 1), EBUSY);
	queue_put(queue, "used up", 0);
	queue_expect(queue, "used up", 0);
	CHECK_OK(ask_for_note(queue, 2));
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 2);
}
