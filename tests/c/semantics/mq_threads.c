/* Threads of one process on one queue: calls that go on while another thread closes their
 * descriptor. */
#include "../support/queue.h"

#include <sys/stat.h>

static mqd_t queue;
static atomic_int tid;
static char got[SMALL_SIZE];

static void *receive_one(void *unused)
{
	(void)unused;
	atomic_store(&tid, gettid());
	return (void *)mq_receive(queue, got, sizeof got, NULL);
}

static void *send_one(void *unused)
{
	(void)unused;
	atomic_store(&tid, gettid());
	return (void *)(long)mq_send(queue, "late", 4, 9);
}

static void *poll_one(void *unused)
{
	(void)unused;
	struct pollfd fd = { queue, POLLIN, 0 };
	atomic_store(&tid, gettid());
	return (void *)(long)poll(&fd, 1, -1);
}

/* Starts a thread on the queue and waits until it sleeps there. */
static pthread_t asleep_in(void *(*body)(void *))
{
	pthread_t thread;
	atomic_store(&tid, 0);
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&tid))
		pause_ms(1);
	queue_await_asleep(tid);
	return thread;
}

static long result_of(pthread_t thread)
{
	void *result;
	CHECK_EQ(pthread_join(thread, &result), 0);
	return (long)result;
}

CASE(mq_close_leaves_a_blocked_receiver_its_message)
{
	queue = queue_small(0);
	mqd_t other = queue_again(0, O_RDWR);
	pthread_t thread = asleep_in(receive_one);
	CHECK_OK(mq_close(queue));
	queue_put(other, "wake", 0);
	CHECK_EQ(result_of(thread), 4);
	CHECK(memcmp(got, "wake", 4) == 0);
	CHECK_EQ(queue_count(other), 0);
}

CASE(mq_close_leaves_a_blocked_sender_its_space)
{
	queue = queue_small(0);
	mqd_t other = queue_again(0, O_RDWR);
	queue_fill(queue);
	pthread_t thread = asleep_in(send_one);
	CHECK_OK(mq_close(queue));
	queue_expect(other, "filler", 1);
	CHECK_EQ(result_of(thread), 0);
	queue_expect(other, "late", 9);
}

CASE(mq_close_by_close_leaves_a_blocked_receiver_its_message)
{
	queue = queue_small(0);
	mqd_t other = queue_again(0, O_RDWR);
	pthread_t thread = asleep_in(receive_one);
	CHECK_OK(close(queue));
	queue_put(other, "wake", 0);
	CHECK_EQ(result_of(thread), 4);
}

CASE(mq_close_leaves_a_poller_its_message)
{
	queue = queue_small(0);
	mqd_t other = queue_again(0, O_RDWR);
	pthread_t thread = asleep_in(poll_one);
	CHECK_OK(mq_close(queue));
	queue_put(other, "wake", 0);
	CHECK_EQ(result_of(thread), 1);
}

CASE(mq_close_under_a_blocked_receiver_frees_the_number_for_a_file)
{
	queue = queue_small(0);
	mqd_t other = queue_again(0, O_RDWR);
	struct pollfd polled = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&polled, 1, 0), 0);
	pthread_t thread = asleep_in(receive_one);
	CHECK_OK(mq_close(queue));
	int file = memfd_create("file", 0);
	CHECK_EQ(file, queue);
	queue_put(other, "wake", 0);
	CHECK_EQ(result_of(thread), 4);
	struct stat status;
	CHECK_OK(fstat(file, &status));
	CHECK_EQ(status.st_size, 0);
}

CASE(mq_close_and_unlink_under_a_blocked_receiver_leave_the_queue_to_it)
{
	queue = queue_small(0);
	pthread_t thread = asleep_in(receive_one);
	pid_t child = check_fork();
	if (child == 0) {
		queue_await_asleep(tid);
		queue_put(queue, "from a child", 0);
		_exit(0);
	}
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_OK(mq_close(queue));
	CHECK_EQ(result_of(thread), 12);
	check_child(child);
}

static void *fork_and_use(void *unused)
{
	(void)unused;
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(mq_receive(queue, got, sizeof got, NULL), 9);
		_exit(0);
	}
	check_child(child);
	return NULL;
}

CASE(mq_fork_beside_a_blocked_receiver_leaves_the_child_a_queue_that_works)
{
	queue = queue_small(0);
	pthread_t receiver = asleep_in(receive_one);
	pthread_t forker;
	CHECK_EQ(pthread_create(&forker, NULL, fork_and_use, NULL), 0);
	/* One message for either, in any order. */
	queue_put(queue, "for both1", 0);
	queue_put(queue, "for both2", 0);
	CHECK_EQ(result_of(receiver), 9);
	CHECK_EQ(result_of(forker), 0);
	CHECK_EQ(queue_count(queue), 0);
}
