/* mq_receive and mq_timedreceive: what comes out, the errors and their order, waiting for a
 * message. */
#include "../support/queue.h"

static char *volatile no_buffer = NULL;

static const struct timespec bad_time = { 0, 1000000000 };
static const struct timespec long_ago = { 0, 0 };

CASE(mq_receive_gives_length_and_priority)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	unsigned priority = 99;
	queue_put(queue, "seven b", 1234);
	CHECK_EQ(mq_receive(queue, got, sizeof got, &priority), 7);
	CHECK_EQ(priority, 1234);
	CHECK(memcmp(got, "seven b", 7) == 0);
}

CASE(mq_receive_may_ignore_the_priority)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	queue_put(queue, "x", 32767);
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 1);
}

CASE(mq_receive_writes_only_the_bytes_of_the_message)
{
	mqd_t queue = queue_small(0);
	char got[2 * SMALL_SIZE];
	memset(got, 'u', sizeof got);
	queue_put(queue, "abc", 0);
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 3);
	CHECK(memcmp(got, "abc", 3) == 0);
	for (size_t i = 3; i < sizeof got; i++)
		CHECK_EQ(got[i], 'u');
}

CASE(mq_receive_takes_a_buffer_beyond_msgsize)
{
	mqd_t queue = queue_small(0);
	char got[10000];
	queue_put(queue, "abc", 0);
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 3);
}

CASE(mq_receive_removes_the_message)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	char got[SMALL_SIZE];
	queue_put(queue, "once", 0);
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 4);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
}

CASE(mq_receive_into_less_than_msgsize_is_emsgsize)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	queue_put(queue, "x", 0);
	CHECK_FAILS(mq_receive(queue, got, SMALL_SIZE - 1, NULL), EMSGSIZE);
	CHECK_FAILS(mq_receive(queue, got, 1, NULL), EMSGSIZE);
	CHECK_FAILS(mq_receive(queue, got, 0, NULL), EMSGSIZE);
	CHECK_EQ(queue_count(queue), 1);
	queue_expect(queue, "x", 0);
}

CASE(mq_receive_from_what_is_no_queue_is_ebadf)
{
	int ends[2];
	char got[SMALL_SIZE];
	CHECK_OK(pipe2(ends, O_NONBLOCK));
	CHECK_EQ(write(ends[1], "keep", 4), 4);
	CHECK_FAILS(mq_receive(-1, got, sizeof got, NULL), EBADF);
	CHECK_FAILS(mq_receive(12345, got, sizeof got, NULL), EBADF);
	CHECK_FAILS(mq_receive(ends[0], got, sizeof got, NULL), EBADF);
	CHECK_EQ(read(ends[0], got, sizeof got), 4);
	mqd_t queue = queue_small(0);
	CHECK_OK(mq_close(queue));
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EBADF);
}

CASE(mq_receive_on_a_write_only_descriptor_is_ebadf)
{
	mqd_t queue = queue_small(0);
	char got[SMALL_SIZE];
	queue_put(queue, "stays", 0);
	CHECK_FAILS(mq_receive(queue_again(0, O_WRONLY), got, sizeof got, NULL), EBADF);
	CHECK_EQ(queue_count(queue), 1);
	queue_expect(queue_again(0, O_RDONLY), "stays", 0);
}

CASE(mq_receive_from_an_empty_queue_without_waiting_is_eagain)
{
	mqd_t queue = queue_small(O_NONBLOCK);
	char got[SMALL_SIZE];
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
	queue_put(queue, "x", 0);
	CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 1);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EAGAIN);
}

CASE(mq_receive_into_null_is_efault)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "x", 0);
	CHECK_FAILS(mq_receive(queue, no_buffer, SMALL_SIZE, NULL), EFAULT);
}

CASE_BETTER(
	mq_receive_that_fails_with_efault_leaves_the_message,
	"the kernel has taken the message off the queue when it finds that it cannot deliver it")
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "not lost", 4);
	CHECK_FAILS(mq_receive(queue, no_buffer, SMALL_SIZE, NULL), EFAULT);
	queue_expect(queue, "not lost", 4);
}

CASE(mq_receive_says_einval_for_time_before_ebadf)
{
	char got[SMALL_SIZE];
	CHECK_FAILS(mq_timedreceive(-1, got, sizeof got, NULL, &bad_time), EINVAL);
}

CASE(mq_receive_says_ebadf_before_emsgsize)
{
	char got[SMALL_SIZE];
	queue_small(0);
	CHECK_FAILS(mq_receive(queue_again(0, O_WRONLY), got, 1, NULL), EBADF);
	CHECK_FAILS(mq_receive(-1, got, 1, NULL), EBADF);
}

CASE(mq_receive_says_ebadf_before_efault)
{
	CHECK_FAILS(mq_receive(-1, no_buffer, SMALL_SIZE, NULL), EBADF);
}

CASE(mq_receive_says_emsgsize_before_eagain)
{
	char got[SMALL_SIZE];
	CHECK_FAILS(mq_receive(queue_small(O_NONBLOCK), got, 1, NULL), EMSGSIZE);
}

CASE(mq_receive_says_emsgsize_before_etimedout)
{
	char got[SMALL_SIZE];
	CHECK_FAILS(mq_timedreceive(queue_small(0), got, 1, NULL, &long_ago), EMSGSIZE);
}

CASE(mq_receive_says_emsgsize_before_efault)
{
	mqd_t queue = queue_small(0);
	queue_put(queue, "x", 0);
	CHECK_FAILS(mq_receive(queue, no_buffer, 1, NULL), EMSGSIZE);
}

CASE(mq_receive_says_eagain_before_efault)
{
	CHECK_FAILS(mq_receive(queue_small(O_NONBLOCK), no_buffer, SMALL_SIZE, NULL), EAGAIN);
}

CASE(mq_receive_waits_for_a_message)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		char got[SMALL_SIZE];
		unsigned priority;
		CHECK_EQ(mq_receive(queue, got, sizeof got, &priority), 6);
		CHECK(memcmp(got, "at last", 6) == 0);
		CHECK_EQ(priority, 31);
		_exit(0);
	}
	queue_await_asleep(child);
	CHECK_OK(mq_send(queue, "at last", 6, 31));
	check_child(child);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_receive_waits_for_a_message_of_no_bytes)
{
	mqd_t queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		char got[SMALL_SIZE];
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 0);
		_exit(0);
	}
	queue_await_asleep(child);
	CHECK_OK(mq_send(queue, "", 0, 0));
	check_child(child);
}

enum { RECEIVERS = 5 };

static void start_receivers(mqd_t queue, pid_t pids[RECEIVERS], atomic_int *taken)
{
	for (int i = 0; i < RECEIVERS; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			char got[SMALL_SIZE];
			CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 3);
			atomic_fetch_add(taken, 1);
			_exit(0);
		}
	}
	for (int i = 0; i < RECEIVERS; i++)
		queue_await_asleep(pids[i]);
}

CASE(mq_receive_gives_a_message_to_one_of_the_waiting)
{
	mqd_t queue = queue_small(0);
	atomic_int *taken = shared_memory(sizeof *taken);
	pid_t pids[RECEIVERS];
	start_receivers(queue, pids, taken);
	for (int sent = 1; sent <= RECEIVERS; sent++) {
		queue_put(queue, "one", 0);
		while (atomic_load(taken) < sent)
			pause_ms(1);
		CHECK_EQ(atomic_load(taken), sent);
		CHECK_EQ(queue_count(queue), 0);
	}
	for (int i = 0; i < RECEIVERS; i++)
		check_child(pids[i]);
}

CASE(mq_receive_wakes_all_the_waiting_when_there_are_messages_for_all)
{
	mqd_t queue = queue_create(0, O_RDWR, RECEIVERS, SMALL_SIZE);
	atomic_int *taken = shared_memory(sizeof *taken);
	pid_t pids[RECEIVERS];
	start_receivers(queue, pids, taken);
	for (int i = 0; i < RECEIVERS; i++)
		queue_put(queue, "one", 0);
	for (int i = 0; i < RECEIVERS; i++)
		check_child(pids[i]);
	CHECK_EQ(queue_count(queue), 0);
}

static void *receive_in_a_thread(void *queue)
{
	char got[SMALL_SIZE];
	return (void *)mq_receive(*(mqd_t *)queue, got, sizeof got, NULL);
}

CASE(mq_receive_in_several_threads)
{
	mqd_t queue = queue_small(0);
	pthread_t threads[RECEIVERS];
	for (int i = 0; i < RECEIVERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, receive_in_a_thread, &queue), 0);
	for (int i = 0; i < RECEIVERS; i++)
		CHECK_OK(mq_send(queue, "abcdefgh", (size_t)i, 0));
	long lengths = 0;
	for (int i = 0; i < RECEIVERS; i++) {
		void *length;
		CHECK_EQ(pthread_join(threads[i], &length), 0);
		lengths |= 1L << (long)length;
	}
	CHECK_EQ(lengths, (1L << RECEIVERS) - 1);
}

CASE(mq_receive_in_two_processes_as_a_conversation)
{
	mqd_t there = queue_create(0, O_RDWR, 1, 64);
	mqd_t back = queue_create(1, O_RDWR, 1, 64);
	pid_t child = check_fork();
	int number = 0;
	char got[64];
	for (int i = 0; child == 0 && i < 2000; i++) {
		CHECK_EQ(mq_receive(there, got, sizeof got, NULL), sizeof number);
		memcpy(&number, got, sizeof number);
		number++;
		CHECK_OK(mq_send(back, (char *)&number, sizeof number, 0));
	}
	if (child == 0)
		_exit(0);
	for (int i = 0; i < 2000; i++) {
		CHECK_OK(mq_send(there, (char *)&number, sizeof number, 0));
		CHECK_EQ(mq_receive(back, got, sizeof got, NULL), sizeof number);
		memcpy(&number, got, sizeof number);
	}
	check_child(child);
	CHECK_EQ(number, 2000);
}
