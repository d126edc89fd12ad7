/* mq_open, mq_close and mq_unlink: what opens what, in which order it fails, how long a queue
 * lives. */
#include "../support/queue.h"

#include <sys/resource.h>
#include <sys/syscall.h>

CASE(mq_open_of_a_missing_queue_is_enoent)
{
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
	CHECK_FAILS(mq_open(queue_name(0), O_RDONLY), ENOENT);
	CHECK_FAILS(mq_open(queue_name(0), O_WRONLY | O_EXCL), ENOENT);
}

CASE(mq_open_exclusive_of_an_existing_queue_is_eexist)
{
	queue_small(0);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
}

CASE(mq_open_exclusive_without_create_opens)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "there", 0);
	queue_expect(queue_again(0, O_RDWR | O_EXCL), "there", 0);
}

CASE(mq_open_with_create_opens_an_existing_queue)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "kept", 3);
	mqd_t again = mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, NULL);
	CHECK_OK(again);
	queue_expect(again, "kept", 3);
}

CASE(mq_open_of_an_existing_queue_ignores_the_attributes)
{
	queue_small(0);
	struct mq_attr other = { .mq_maxmsg = 2, .mq_msgsize = 16 }, got;
	mqd_t again = mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &other);
	CHECK_OK(again);
	CHECK_OK(mq_getattr(again, &got));
	CHECK_EQ(got.mq_maxmsg, SMALL_DEPTH);
	CHECK_EQ(got.mq_msgsize, SMALL_SIZE);
}

CASE(mq_open_of_an_existing_queue_does_not_judge_the_attributes)
{
	queue_small(0);
	struct mq_attr bad = { .mq_maxmsg = -1, .mq_msgsize = 0 };
	CHECK_OK(mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &bad));
}

CASE(mq_open_of_an_existing_queue_ignores_the_mode)
{
	queue_small(0);
	mqd_t again = mq_open(queue_name(0), O_RDWR | O_CREAT, 0, NULL);
	CHECK_OK(again);
	CHECK_OK(mq_close(again));
	CHECK_OK(mq_open(queue_name(0), O_RDWR));
}

CASE(mq_open_without_create_reads_no_further_arguments)
{
	queue_small(0);
	mqd_t again = mq_open(queue_name(0), O_RDWR, 0, (struct mq_attr *)16);
	CHECK_OK(again);
}

CASE(mq_open_without_attributes_makes_10_by_8192)
{
	mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, NULL);
	CHECK_OK(queue);
	struct mq_attr got;
	CHECK_OK(mq_getattr(queue, &got));
	CHECK_EQ(got.mq_maxmsg, 10);
	CHECK_EQ(got.mq_msgsize, 8192);
	CHECK_EQ(got.mq_curmsgs, 0);
	CHECK_EQ(got.mq_flags, 0);
}

CASE(mq_open_of_an_existing_queue_with_access_mode_3_is_einval)
{
	queue_small(0);
	CHECK_FAILS(mq_open(queue_name(0), O_ACCMODE), EINVAL);
	CHECK_FAILS(mq_open(queue_name(0), O_ACCMODE | O_CREAT, 0600, NULL), EINVAL);
}

CASE(mq_open_says_eexist_before_it_looks_at_the_access_mode)
{
	queue_small(0);
	CHECK_FAILS(mq_open(queue_name(0), O_ACCMODE | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
}

CASE(mq_open_says_enoent_before_it_looks_at_the_access_mode)
{
	CHECK_FAILS(mq_open(queue_name(0), O_ACCMODE), ENOENT);
}

CASE(mq_open_says_eexist_before_it_looks_at_the_attributes)
{
	queue_small(0);
	struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 0 };
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, &bad), EEXIST);
}

CASE(mq_open_twice_gives_two_descriptors_of_one_queue)
{
	mqd_t one = queue_small(0);
	mqd_t two = queue_again(0, O_RDWR);
	CHECK(one != two);
	queue_put(one, "from one", 1);
	queue_put(two, "from two", 2);
	queue_expect(one, "from two", 2);
	queue_expect(two, "from one", 1);
}

CASE(mq_open_nonblock_belongs_to_one_description)
{
	mqd_t one = queue_small(O_NONBLOCK);
	mqd_t two = queue_again(0, O_RDWR);
	struct mq_attr got;
	CHECK_OK(mq_getattr(one, &got));
	CHECK_EQ(got.mq_flags, O_NONBLOCK);
	CHECK_OK(mq_getattr(two, &got));
	CHECK_EQ(got.mq_flags, 0);
}

CASE(mq_open_that_fails_makes_no_queue)
{
	struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 16 };
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &bad), EINVAL);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

CASE(mq_open_without_a_free_descriptor_is_emfile_and_makes_no_queue)
{
	queue_name(0);
	int lowest_free = dup(0);
	struct rlimit old, none;
	CHECK_OK(lowest_free);
	CHECK_OK(close(lowest_free));
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &old));
	none = (struct rlimit){ (rlim_t)lowest_free, old.rlim_max };
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &none));
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, NULL), EMFILE);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

CASE(mq_close_of_what_is_not_open_is_ebadf)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(mq_close(queue), EBADF);
	CHECK_FAILS(mq_close(-1), EBADF);
	CHECK_FAILS(mq_close(12345), EBADF);
}

/* glibc's is close(2). */
CASE(mq_close_closes_what_is_no_queue)
{
	int file = open("/dev/null", O_RDONLY);
	CHECK_OK(mq_close(file));
	CHECK_FAILS(fcntl(file, F_GETFD), EBADF);
	mqd_t queue = queue_small(0);
	CHECK_EQ(syscall(SYS_close, queue), 0);
	CHECK_EQ(open("/dev/null", O_RDONLY), queue);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(fcntl(queue, F_GETFD), EBADF);
}

CASE(mq_close_of_one_descriptor_leaves_the_other)
{
	mqd_t one = queue_small(0);
	mqd_t two = queue_again(0, O_RDWR);
	CHECK_OK(mq_close(one));
	queue_put(two, "alive", 0);
	queue_expect(two, "alive", 0);
}

CASE(mq_queue_outlives_its_last_close_with_its_messages)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "low", 1);
	queue_put(queue, "high", 30000);
	CHECK_OK(mq_close(queue));
	queue = queue_again(0, O_RDONLY);
	struct mq_attr got;
	CHECK_OK(mq_getattr(queue, &got));
	CHECK_EQ(got.mq_maxmsg, SMALL_DEPTH);
	CHECK_EQ(got.mq_msgsize, SMALL_SIZE);
	CHECK_EQ(got.mq_curmsgs, 2);
	queue_expect(queue, "high", 30000);
	queue_expect(queue, "low", 1);
}

CASE(mq_queue_outlives_the_process_that_made_it)
{
	queue_name(0);
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue_small(0), "from a process that ended", 5);
		_exit(0);
	}
	check_child(child);
	queue_expect(queue_again(0, O_RDWR), "from a process that ended", 5);
}

CASE(mq_unlinked_queue_lives_until_its_last_close)
{
	mqd_t one = queue_small(0);
	mqd_t two = queue_again(0, O_RDWR);
	CHECK_OK(mq_unlink(queue_name(0)));
	queue_put(one, "after unlink", 0);
	CHECK_OK(mq_close(one));
	queue_expect(two, "after unlink", 0);
}

CASE(mq_unlinked_queue_joins_inherited_descriptors)
{
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_unlink(queue_name(0)));
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "by inheritance", 9);
		_exit(0);
	}
	check_child(child);
	queue_expect(queue, "by inheritance", 9);
}

CASE(mq_unlink_frees_the_name_at_once)
{
	mqd_t old = queue_small(0);
	queue_put(old, "old", 0);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
	mqd_t new = queue_create(0, O_RDWR, 2, 32);
	CHECK_EQ(queue_count(new), 0);
	queue_put(new, "new", 0);
	queue_expect(old, "old", 0);
	queue_expect(new, "new", 0);
}

CASE(mq_unlink_leaves_a_blocked_receiver_its_queue)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		char got[SMALL_SIZE];
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
		_exit(0);
	}
	queue_await_asleep(child);
	CHECK_OK(mq_unlink(queue_name(0)));
	queue_put(queue, "late", 0);
	check_child(child);
}

enum { RACERS = 8 };

/* All racers start together: each waits until the others are there too. */
static void line_up(atomic_int *arrived, int rounds)
{
	atomic_fetch_add(arrived, 1);
	while (atomic_load(arrived) < RACERS * rounds)
		sched_yield();
}

CASE(mq_open_exclusive_race_has_one_winner)
{
	enum { ROUNDS = 50 };
	atomic_int *shared = shared_memory(sizeof(atomic_int) * (ROUNDS + 2));
	pid_t racers[RACERS];
	queue_name(0);
	for (int i = 0; i < RACERS; i++) {
		racers[i] = check_fork();
		for (int round = 0; racers[i] == 0 && round < ROUNDS; round++) {
			line_up(&shared[0], 2 * round + 1);
			mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0600,
					      &(struct mq_attr){ .mq_maxmsg = 2, .mq_msgsize = 8 });
			CHECK(queue != -1 || errno == EEXIST);
			line_up(&shared[0], 2 * round + 2);
			if (queue == -1)
				continue;
			atomic_fetch_add(&shared[2 + round], 1);
			CHECK_OK(mq_unlink(queue_name(0)));
			CHECK_OK(mq_close(queue));
		}
		if (racers[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < RACERS; i++)
		check_child(racers[i]);
	for (int round = 0; round < ROUNDS; round++)
		CHECK_EQ(atomic_load(&shared[2 + round]), 1);
}

CASE(mq_open_race_leads_all_to_the_same_queue)
{
	atomic_int *arrived = shared_memory(sizeof *arrived);
	pid_t racers[RACERS];
	queue_name(0);
	for (int i = 0; i < RACERS; i++) {
		racers[i] = check_fork();
		if (racers[i])
			continue;
		struct mq_attr attr = { .mq_maxmsg = RACERS, .mq_msgsize = 8 };
		line_up(arrived, 1);
		mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &attr);
		CHECK_OK(queue);
		queue_put(queue, "me", 0);
		_exit(0);
	}
	for (int i = 0; i < RACERS; i++)
		check_child(racers[i]);
	CHECK_EQ(queue_count(queue_again(0, O_RDWR)), RACERS);
}

CASE(mq_open_never_fails_while_others_create_and_unlink)
{
	pid_t racers[RACERS];
	queue_name(0);
	for (int i = 0; i < RACERS; i++) {
		racers[i] = check_fork();
		for (int round = 0; racers[i] == 0 && round < 200; round++) {
			struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8 }, got;
			mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT | O_NONBLOCK, 0600,
					      &attr);
			CHECK_OK(queue);
			CHECK_OK(mq_getattr(queue, &got));
			CHECK_EQ(got.mq_maxmsg, 10);
			CHECK(mq_send(queue, "x", 1, 0) == 0 || errno == EAGAIN);
			CHECK(mq_unlink(queue_name(0)) == 0 || errno == ENOENT);
			CHECK_OK(mq_close(queue));
		}
		if (racers[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < RACERS; i++)
		check_child(racers[i]);
}
