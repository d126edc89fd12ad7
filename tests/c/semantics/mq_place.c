/* Where queues may lie: little space, and nothing left behind. The kernel's queues lie elsewhere,
 * so on them these hold trivially. */
#include "../support/limits.h"
#include "../support/notify.h"
#include "../support/private_shm.h"

CASE(mq_open_in_a_tiny_place_works_or_is_enospc)
{
	/* A queue that exists can be filled: its space is reserved, and nothing ends in SIGBUS. */
	private_tmpfs("/dev/shm", 0, "size=128k");
	for (int n = 0; n < QUEUE_NAMES; n++) {
		int before = entries_in("/dev/shm");
		char message[8192] = "";
		mqd_t queue = mq_open(queue_name(n), O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
		if (queue == -1) {
			CHECK_EQ(errno, ENOSPC);
			CHECK_EQ(entries_in("/dev/shm"), before);
			continue;
		}
		for (int i = 0; i < 10; i++)
			CHECK_OK(mq_send(queue, message, sizeof message, 0));
	}
}

CASE(mq_unlink_leaves_nothing_in_the_place)
{
	private_tmpfs("/dev/shm", 0, "size=16m");
	mqd_t queue = queue_for_notes(0);
	CHECK_EQ(queue_events(queue), POLLOUT);
	CHECK_OK(ask_for_note(queue, 1));
	queue_put(queue, "note", 0);
	expect_note();
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_EQ(entries_in("/dev/shm"), 0);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	CHECK_OK(mq_close(queue));
	CHECK_EQ(entries_in("/dev/shm"), 0);
}

CASE(mq_unlink_without_a_descriptor_left_leaves_nothing_in_the_place)
{
	private_tmpfs("/dev/shm", 0, "size=16m");
	mqd_t queue = queue_small(0);
	CHECK_EQ(queue_events(queue), POLLOUT);
	leave_descriptors(0);
	errno = 0;
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_EQ(errno, 0);
	CHECK_FAILS(mq_unlink(queue_name(0)), ENOENT);
	CHECK_FAILS(dup(2), EMFILE);
	CHECK_OK(mq_close(queue));
	CHECK_EQ(entries_in("/dev/shm"), 0);
}

CASE(mq_open_that_fails_leaves_nothing_in_the_place)
{
	private_tmpfs("/dev/shm", 0, "size=16m");
	struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 16 };
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &bad), EINVAL);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
	CHECK_EQ(entries_in("/dev/shm"), 0);
	queue_small(0);
	int before = entries_in("/dev/shm");
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	CHECK_EQ(entries_in("/dev/shm"), before);
}

CASE(mq_open_and_unlink_of_many_processes_leave_nothing_in_the_place)
{
	enum { RACERS = 6, ROUNDS = 200 };
	pid_t racers[RACERS];
	private_tmpfs("/dev/shm", 0, "size=16m");
	queue_name(0);
	for (int i = 0; i < RACERS; i++) {
		racers[i] = check_fork();
		for (int round = 0; racers[i] == 0 && round < ROUNDS; round++) {
			struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8 };
			mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &attr);
			CHECK_OK(queue);
			CHECK(mq_unlink(queue_name(0)) == 0 || errno == ENOENT);
			CHECK_OK(mq_close(queue));
		}
		if (racers[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < RACERS; i++)
		check_child(racers[i]);
	CHECK_EQ(entries_in("/dev/shm"), 0);
}
