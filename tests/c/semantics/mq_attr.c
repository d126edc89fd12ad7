/* Attributes: the limits of a new queue, mq_getattr and mq_setattr. */
#include "../support/queue.h"

static void attributes_are_refused(long maxmsg, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &attr), EINVAL);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

CASE(mq_maxmsg_of_0_is_einval)
{
	attributes_are_refused(0, 64);
}

CASE(mq_maxmsg_below_0_is_einval)
{
	attributes_are_refused(-1, 64);
	attributes_are_refused((long)((unsigned long)1 << 63), 64);
}

CASE(mq_maxmsg_of_65537_is_einval)
{
	attributes_are_refused(65537, 1);
	attributes_are_refused((1L << 32) + 1, 1);
}

CASE(mq_msgsize_of_0_is_einval)
{
	attributes_are_refused(1, 0);
}

CASE(mq_msgsize_below_0_is_einval)
{
	attributes_are_refused(1, -1);
	attributes_are_refused(1, (long)((unsigned long)1 << 63));
}

CASE(mq_msgsize_above_16_mib_is_einval)
{
	attributes_are_refused(1, 16 * 1024 * 1024 + 1);
	attributes_are_refused(1, (1L << 32) + 1);
}

CASE(mq_product_too_large_fails_cleanly)
{
	/* 1 TiB. The kernel's error depends on which of its limits is met first. */
	struct mq_attr attr = { .mq_maxmsg = 65536, .mq_msgsize = 16 * 1024 * 1024 };
	errno = 0;
	CHECK_EQ(mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &attr), -1);
	CHECK(errno == EINVAL || errno == EMFILE || errno == EOVERFLOW || errno == ENOSPC ||
	      errno == ENOMEM);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

CASE(mq_smallest_queue_is_1_by_1)
{
	mqd_t queue = queue_create(0, O_RDWR | O_NONBLOCK, 1, 1);
	queue_put(queue, "a", 0);
	CHECK_FAILS(mq_send(queue, "b", 1, 0), EAGAIN);
	queue_expect(queue, "a", 0);
	CHECK_FAILS(mq_send(queue, "no", 2, 0), EMSGSIZE);
}

CASE(mq_getattr_shows_what_was_asked_for)
{
	mqd_t queue = queue_create(0, O_RDWR, 7, 123);
	struct mq_attr got;
	memset(&got, 0xff, sizeof got);
	CHECK_OK(mq_getattr(queue, &got));
	CHECK_EQ(got.mq_maxmsg, 7);
	CHECK_EQ(got.mq_msgsize, 123);
	CHECK_EQ(got.mq_curmsgs, 0);
	CHECK_EQ(got.mq_flags, 0);
	/* What is reserved is 0. */
	struct mq_attr known = { .mq_maxmsg = 7, .mq_msgsize = 123 };
	CHECK_EQ(memcmp(&got, &known, sizeof got), 0);
}

CASE(mq_getattr_counts_messages)
{
	mqd_t queue = queue_small(0);
	for (int i = 0; i < SMALL_DEPTH; i++) {
		CHECK_EQ(queue_count(queue), i);
		queue_put(queue, "one more", 0);
	}
	for (int i = SMALL_DEPTH; i > 0; i--) {
		CHECK_EQ(queue_count(queue), i);
		queue_expect(queue, "one more", 0);
	}
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_getattr_counts_messages_of_other_processes)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue_again(0, O_WRONLY), "one", 0);
		queue_put(queue, "two", 0);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(queue_count(queue), 2);
}

CASE(mq_getattr_and_setattr_work_in_every_access_mode)
{
	queue_small(0);
	struct mq_attr want = { .mq_flags = O_NONBLOCK }, got;
	int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	for (int i = 0; i < 3; i++) {
		mqd_t queue = queue_again(0, modes[i]);
		CHECK_OK(mq_setattr(queue, &want, NULL));
		CHECK_OK(mq_getattr(queue, &got));
		CHECK_EQ(got.mq_flags, O_NONBLOCK);
		CHECK_EQ(got.mq_maxmsg, SMALL_DEPTH);
	}
}

CASE(mq_getattr_of_what_is_no_queue_is_ebadf)
{
	struct mq_attr got;
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_FAILS(mq_getattr(-1, &got), EBADF);
	CHECK_FAILS(mq_getattr(12345, &got), EBADF);
	CHECK_FAILS(mq_getattr(ends[0], &got), EBADF);
	CHECK_FAILS(mq_getattr(ends[1], &got), EBADF);
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(mq_getattr(queue, &got), EBADF);
}

CASE(mq_setattr_of_what_is_no_queue_is_ebadf)
{
	struct mq_attr want = { .mq_flags = O_NONBLOCK };
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_FAILS(mq_setattr(-1, &want, NULL), EBADF);
	CHECK_FAILS(mq_setattr(ends[0], &want, NULL), EBADF);
	CHECK_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(mq_setattr(queue, &want, NULL), EBADF);
}

CASE(mq_setattr_sets_and_clears_nonblock)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = 0 }, NULL));
	struct timespec soon = deadline_ms(10);
	CHECK_FAILS(mq_timedreceive(queue, got, sizeof got, NULL, &soon), ETIMEDOUT);
}

CASE(mq_setattr_gives_back_the_old_attributes)
{
	mqd_t queue = queue_small(0);
	struct mq_attr old;
	queue_put(queue, "one", 0);
	memset(&old, 0xff, sizeof old);
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, &old));
	CHECK_EQ(old.mq_flags, 0);
	CHECK_EQ(old.mq_maxmsg, SMALL_DEPTH);
	CHECK_EQ(old.mq_msgsize, SMALL_SIZE);
	CHECK_EQ(old.mq_curmsgs, 1);
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = 0 }, &old));
	CHECK_EQ(old.mq_flags, O_NONBLOCK);
}

CASE(mq_setattr_ignores_the_other_fields)
{
	mqd_t queue = queue_small(0);
	struct mq_attr want = { .mq_flags = 0, .mq_maxmsg = -5, .mq_msgsize = 1, .mq_curmsgs = 99 },
		       got;
	CHECK_OK(mq_setattr(queue, &want, NULL));
	CHECK_OK(mq_getattr(queue, &got));
	CHECK_EQ(got.mq_maxmsg, SMALL_DEPTH);
	CHECK_EQ(got.mq_msgsize, SMALL_SIZE);
	CHECK_EQ(got.mq_curmsgs, 0);
}

CASE(mq_setattr_of_another_flag_is_einval_and_changes_nothing)
{
	mqd_t queue = queue_small(0);
	struct mq_attr got;
	long flags[] = { O_RDWR, O_APPEND, O_NONBLOCK | O_CREAT, 1L << 40, -1 };
	for (int i = 0; i < 5; i++)
		CHECK_FAILS(mq_setattr(queue, &(struct mq_attr){ .mq_flags = flags[i] }, NULL),
			    EINVAL);
	CHECK_OK(mq_getattr(queue, &got));
	CHECK_EQ(got.mq_flags, 0);
}

CASE(mq_setattr_says_einval_before_ebadf)
{
	CHECK_FAILS(mq_setattr(-1, &(struct mq_attr){ .mq_flags = O_APPEND }, NULL), EINVAL);
}

CASE(mq_setattr_changes_one_description_only)
{
	mqd_t one = queue_small(0);
	mqd_t two = queue_again(0, O_RDWR);
	struct mq_attr got;
	CHECK_OK(mq_setattr(one, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	CHECK_OK(mq_getattr(two, &got));
	CHECK_EQ(got.mq_flags, 0);
}

CASE(mq_open_ignores_flags_and_count_in_the_attributes)
{
	struct mq_attr attr = { O_NONBLOCK, SMALL_DEPTH, SMALL_SIZE, 3, { 0 } }, got;
	mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &attr);
	CHECK_OK(queue);
	CHECK_OK(mq_getattr(queue, &got));
	CHECK_EQ(got.mq_flags, 0);
	CHECK_EQ(got.mq_curmsgs, 0);
	CHECK_EQ(got.mq_maxmsg, SMALL_DEPTH);
}

CASE(mq_nonblock_set_later_does_not_wake_a_blocked_receiver)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		char got[SMALL_SIZE];
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 2);
		CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
		_exit(0);
	}
	queue_await_asleep(child);
	/* The child shares the description: its next call sees the flag, the current one
	 * waits on. */
	CHECK_OK(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL));
	pause_ms(20);
	queue_await_asleep(child);
	queue_put(queue, "go", 0);
	check_child(child);
}
