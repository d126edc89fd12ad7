/* A child of vfork shares the memory of its parent, and has descriptors of its own. Whatever it
 * closes, the queue of the parent, its epoll and its registration go on. Python's subprocess and
 * the Java launcher start programs so. */
#include <sys/stat.h>

#include "../support/vfork.h"

static char *const nothing[] = { "true", NULL };

static void goes_on_with_one_descriptor(void (*body)(void))
{
	open_one();
	in_vfork_child(body);
	descriptors_go_on();
	CHECK_OK(close_range(3, ~0u, 0));
}

static void after(void (*body)(void))
{
	goes_on_with_one_descriptor(body);
	open_all();
	in_vfork_child(body);
	descriptors_go_on();
	CHECK_OK(close_range(3, ~0u, 0));
	CHECK_OK(mq_unlink(queue_name(0)));
	set_up();
	in_vfork_child(body);
	all_goes_on();
}

static void run_true(void)
{
	execv("/bin/true", nothing);
}

static void close_queue(void)
{
	CHECK_OK(close(queue));
	close(second);
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_closed_the_queue)
{
	after(close_queue);
}

static void mq_close_queue(void)
{
	CHECK_OK(mq_close(queue));
	mq_close(second);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
}

CASE(mq_goes_on_after_a_vfork_child_made_mq_close)
{
	after(mq_close_queue);
}

static void close_each(void)
{
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_closed_each_number)
{
	after(close_each);
}

static void close_a_range(void)
{
	CHECK_OK(close_range(3, ~0u, 0));
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_closed_a_range)
{
	after(close_a_range);
}

static void close_from_three(void)
{
	closefrom(3);
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_made_closefrom)
{
	after(close_from_three);
}

static void overlay(void)
{
	CHECK_EQ(dup2(pipes[0], queue), queue);
	CHECK_EQ(dup3(pipes[1], second, O_CLOEXEC), second);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_made_dup2_onto_the_queue)
{
	after(overlay);
}

static void duplicate(void)
{
	CHECK_EQ(dup2(queue, pipes[0]), pipes[0]);
	CHECK_OK(close(pipes[0]));
	CHECK_OK(close(dup(queue)));
	CHECK_OK(close(fcntl(queue, F_DUPFD, 0)));
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_closed_duplicates)
{
	after(duplicate);
}

static void open_and_close(void)
{
	CHECK_OK(mq_close(queue_create(1, O_RDWR, 2, 16)));
	CHECK_OK(mq_unlink(queue_name(1)));
	CHECK_OK(close(queue));
	CHECK_EQ(open("/dev/null", O_RDONLY), queue);
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_opened_other_files)
{
	after(open_and_close);
}

/* The numbers of queues stand for the two ends of a pipe. */
static void use_numbers_for_a_pipe(void)
{
	struct pollfd read_end = { .fd = second, .events = POLLIN };
	struct stat status;
	char got[8];
	CHECK_EQ(dup2(pipes[1], queue), queue);
	CHECK_EQ(write(queue, "pipe", 4), 4);
	CHECK_OK(fstat(queue, &status));
	CHECK(S_ISFIFO(status.st_mode));
	if (second == queue)
		run_true();
	CHECK_EQ(dup2(pipes[0], second), second);
	CHECK_EQ(poll(&read_end, 1, 0), 1);
	CHECK_EQ(read_end.revents, POLLIN);
	CHECK_EQ(read(second, got, sizeof got), 4);
	CHECK_EQ(poll(&read_end, 1, 0), 0);
	CHECK_FAILS(mq_getattr(second, &(struct mq_attr){ 0 }), EBADF);
	run_true();
}

CASE(mq_goes_on_after_a_vfork_child_used_its_number_for_a_pipe)
{
	after(use_numbers_for_a_pipe);
}

static void open_queues(void)
{
	int free_number = open("/dev/null", O_RDONLY);
	CHECK_OK(close(free_number));
	mqd_t made = queue_create(1, O_RDWR, 2, 16);
	CHECK_EQ(made, free_number);
	CHECK_OK(mq_send(made, "child's", 7, 0));
	CHECK_OK(mq_send(fcntl(made, F_DUPFD, 0), "child's", 7, 0));
	CHECK_OK(mq_close(queue));
	CHECK_EQ(queue_again(1, O_RDWR), queue);
	CHECK_EQ(mq_receive(queue, (char[16]){ 0 }, 16, NULL), 7);
	CHECK_OK(mq_unlink(queue_name(1)));
	run_true();
}

/* What the child has opened is not in the way of what the parent opens at the same number. */
CASE(mq_goes_on_after_a_vfork_child_opened_queues)
{
	after(open_queues);
	int free_number = open("/dev/null", O_RDWR);
	CHECK_OK(close(free_number));
	open_one();
	in_vfork_child(open_queues);
	CHECK_EQ(queue_events(queue), POLLOUT);
	int other = open("/dev/null", O_RDWR);
	CHECK_EQ(write(other, "x", 1), 1);
	CHECK_FAILS(mq_send(other, "x", 1, 0), EBADF);
	descriptors_go_on();
}

static void only_exit(void)
{
	_exit(0);
}

CASE(mq_goes_on_after_a_vfork_child_ended)
{
	after(only_exit);
}

static void fail_to_exec(void)
{
	CHECK_OK(close_range(3, ~0u, 0));
	CHECK_FAILS(execv("/nowhere/to/be/found", nothing), ENOENT);
}

CASE(mq_goes_on_after_a_vfork_child_could_not_exec)
{
	after(fail_to_exec);
}

static void use_it(void)
{
	CHECK_OK(mq_send(queue, "by the child", 12, 9));
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	CHECK_OK(close_range(3, ~0u, 0));
}

CASE(mq_message_of_a_vfork_child_that_closed_all_is_there)
{
	set_up();
	in_vfork_child(use_it);
	CHECK_EQ(expect_note().si_value.sival_int, 7);
	queue_expect(queue, "by the child", 9);
	CHECK_OK(ask_for_note(queue, 7));
	all_goes_on();
}
