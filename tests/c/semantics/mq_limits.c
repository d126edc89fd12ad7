/* Sizes and numbers that the kernel's queues refuse by default, to an ordinary user above all. */
#include "../support/nobody.h"
#include "../support/queue.h"

#include <sys/resource.h>

enum { MIB = 1024 * 1024 };

static void as_ordinary_user(void)
{
	if (geteuid() == 0)
		become_user(NOBODY, NOBODY);
}

/* On the kernel's queues, where the case fails, others may be at work meanwhile. */
static void leave_room_for_others(void)
{
	struct rlimit limit = { 200000, 200000 };
	CHECK_OK(setrlimit(RLIMIT_MSGQUEUE, &limit));
}

static void fills_and_drains(mqd_t queue, int depth)
{
	char got[64];
	unsigned priority;
	for (int i = 0; i < depth; i++)
		CHECK_OK(mq_send(queue, (char *)&i, sizeof i, (unsigned)i % 5));
	CHECK_EQ(queue_count(queue), depth);
	struct timespec past = { 0, 0 };
	CHECK_FAILS(mq_timedsend(queue, "x", 1, 0, &past), ETIMEDOUT);
	for (unsigned want = 5; want-- > 0;) {
		for (int i = 0; i < depth; i++) {
			if ((unsigned)i % 5 != want)
				continue;
			CHECK_EQ(mq_receive(queue, got, sizeof got, &priority), sizeof i);
			CHECK(memcmp(got, &i, sizeof i) == 0);
			CHECK_EQ(priority, want);
		}
	}
	CHECK_FAILS(mq_timedreceive(queue, got, sizeof got, NULL, &past), ETIMEDOUT);
}

CASE_BETTER(mq_holds_11_messages, "the kernel's msg_max is 10 by default")
{
	as_ordinary_user();
	fills_and_drains(queue_create(0, O_RDWR, 11, 16), 11);
}

CASE_BETTER(mq_holds_1000_messages, "the kernel's msg_max is 10 by default")
{
	as_ordinary_user();
	fills_and_drains(queue_create(0, O_RDWR, 1000, 64), 1000);
}

CASE_BETTER(mq_holds_65536_messages, "the kernel's msg_max is 10 by default")
{
	as_ordinary_user();
	fills_and_drains(queue_create(0, O_RDWR, 65536, 16), 65536);
}

static void carries_a_message_of(int size)
{
	mqd_t queue = queue_create(0, O_RDWR, 2, size);
	unsigned char *sent = malloc((size_t)size), *got = malloc((size_t)size);
	CHECK(sent && got);
	for (int i = 0; i < size; i++)
		sent[i] = (unsigned char)(i * 31 + i / 4093);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(mq_send(queue, (char *)sent, (size_t)size, 1));
		CHECK_OK(mq_send(queue, (char *)sent, (size_t)size - 1, 0));
		_exit(0);
	}
	CHECK_EQ(mq_receive(queue, (char *)got, (size_t)size, NULL), size);
	CHECK(memcmp(sent, got, (size_t)size) == 0);
	CHECK_EQ(mq_receive(queue, (char *)got, (size_t)size, NULL), size - 1);
	check_child(child);
	CHECK_FAILS(mq_send(queue, (char *)sent, (size_t)size + 1, 0), EMSGSIZE);
}

CASE_BETTER(mq_carries_messages_of_8193_bytes, "the kernel's msgsize_max is 8192 by default")
{
	as_ordinary_user();
	carries_a_message_of(8193);
}

CASE_BETTER(mq_carries_messages_of_1_mib, "the kernel's msgsize_max is 8192 by default")
{
	as_ordinary_user();
	carries_a_message_of(MIB);
}

CASE_BETTER(mq_carries_messages_of_16_mib, "the kernel's msgsize_max is 8192 by default")
{
	as_ordinary_user();
	carries_a_message_of(16 * MIB);
}

CASE_BETTER(mq_opens_20_default_queues_at_once,
	    "RLIMIT_MSGQUEUE of 819200 bytes holds nine of them")
{
	as_ordinary_user();
	leave_room_for_others();
	for (int i = 0; i < 20; i++) {
		mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
		CHECK_OK(queue);
		CHECK_OK(mq_unlink(queue_name(0)));
		for (int j = 0; j < 10; j++)
			queue_put(queue, "x", 0);
	}
}

CASE_BETTER(mq_opens_300_queues_at_once,
	    "the kernel's queues_max is 256 by default, and RLIMIT_MSGQUEUE is less")
{
	enum { QUEUES = 300 };
	mqd_t queues[QUEUES];
	as_ordinary_user();
	leave_room_for_others();
	for (int i = 0; i < QUEUES; i++) {
		queues[i] = queue_create(0, O_RDWR, 10, 1024);
		CHECK_OK(mq_unlink(queue_name(0)));
		CHECK_OK(mq_send(queues[i], (char *)&i, sizeof i, 0));
	}
	for (int i = 0; i < QUEUES; i++) {
		char got[1024];
		CHECK_EQ(mq_receive(queues[i], got, sizeof got, NULL), sizeof i);
		CHECK(memcmp(got, &i, sizeof i) == 0);
		CHECK_EQ(queue_count(queues[i]), 0);
	}
}

CASE_BETTER(mq_needs_no_rlimit, "the kernel charges each queue to RLIMIT_MSGQUEUE")
{
	struct rlimit none = { 0, 0 };
	CHECK_OK(setrlimit(RLIMIT_MSGQUEUE, &none));
	as_ordinary_user();
	mqd_t queue = queue_small(0);
	queue_put(queue, "x", 0);
	queue_expect(queue, "x", 0);
}
