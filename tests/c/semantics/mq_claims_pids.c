/* PID namespaces, in each of which the one that counts is process 1. */
#include "../support/wall.h"

static pid_t fork_as_first(void)
{
	if (unshare(CLONE_NEWPID) == -1)
		return -1;
	return check_fork();
}

static atomic_int *at_wall_now, *go_on, *received;

static void linger(void)
{
	atomic_store(at_wall_now, 1);
	while (!atomic_load(go_on))
		pause_ms(1);
	tear_wall_down();
}

static void send_and_nest(void)
{
	if (depth == 1)
		send_against_wall(second);
	linger();
}

/* Runs this as process 1 of a namespace; true if it could. */
static pid_t run_as_first(void (*act)(void))
{
	pid_t parent = check_fork();
	if (parent == 0) {
		pid_t one = fork_as_first();
		if (one == 0) {
			act();
			_exit(0);
		}
		if (one > 0)
			check_child(one);
		_exit(one > 0 ? 0 : CHECK_SKIPPED);
	}
	return parent;
}

static bool ended_well(pid_t parent)
{
	int status;
	CHECK_EQ(waitpid(parent, &status, 0), parent);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHECK_SKIPPED)
		return false;
	CHECK_EQ(status, 0);
	return true;
}

static void send_slowly(void)
{
	handle_wall(0, send_and_nest);
	int result = send_against_wall(first);
	if (result == -1) {
		CHECK_EQ(errno, EFAULT);
		atomic_store(at_wall_now, 1);
		tear_wall_down();
		CHECK_OK(send_against_wall(first));
		CHECK_OK(send_against_wall(second));
	}
}

static void receive_for_a_while(mqd_t queue)
{
	char text[SIZE];
	struct timespec when = deadline_ms(200);
	struct mq_attr wait = { .mq_flags = 0 };
	CHECK_OK(mq_setattr(queue, &wait, NULL));
	while (mq_timedreceive(queue, text, SIZE, NULL, &when) == SIZE) {
		CHECK_EQ(text[0], 'A');
		atomic_fetch_add(received, 1);
	}
}

static void send_meanwhile(void)
{
	char text[SIZE];
	/* What it finds under way it waits for, for a while. */
	receive_for_a_while(first);
	receive_for_a_while(second);
	memset(text, 'B', SIZE);
	CHECK_OK(mq_send(first, text, SIZE, 0));
	CHECK_OK(mq_send(second, text, SIZE, 0));
}

static pid_t run(void (*act)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		act();
		_exit(0);
	}
	return child;
}

static void send_beside_another_namespace(pid_t (*start)(void (*)(void)))
{
	make_ground();
	atomic_int *shared = shared_memory(3 * sizeof *shared);
	at_wall_now = shared;
	go_on = shared + 1;
	received = shared + 2;
	pid_t one = start(send_slowly);
	for (int ms = 0; !atomic_load(at_wall_now); ms++) {
		CHECK(ms < 5000);
		if (waitpid(one, NULL, WNOHANG | WNOWAIT) == one)
			break;
		pause_ms(1);
	}
	if (!atomic_load(at_wall_now))
		CHECK_SKIP("no PID namespaces");
	CHECK(ended_well(run_as_first(send_meanwhile)));
	atomic_store(go_on, 1);
	CHECK(ended_well(one));
	char text[SIZE];
	int count = atomic_load(received);
	for (mqd_t queue = first;; queue = second) {
		for (; queue_count(queue) > 0; count++) {
			CHECK_EQ(mq_receive(queue, text, SIZE, NULL), SIZE);
			for (int at = 1; at < SIZE; at++)
				CHECK_EQ(text[at], text[0]);
		}
		if (queue == second)
			break;
	}
	CHECK_EQ(count, 4);
	expect_room_in_both();
}

CASE(mq_calls_of_equal_tids_in_two_pid_namespaces_leave_each_other_alone)
{
	send_beside_another_namespace(run_as_first);
}

CASE(mq_calls_of_a_tid_that_another_pid_namespace_does_not_have_are_left_alone)
{
	send_beside_another_namespace(run);
}

static void nested_in_namespace_then_kill(void)
{
	handle_wall(0, nested_then_kill);
	send_against_wall(first);
	end_by_kill();
}

CASE(mq_send_nested_and_killed_in_another_pid_namespace_leaves_the_space)
{
	make_ground();
	pid_t parent = check_fork();
	if (parent == 0) {
		pid_t one = fork_as_first();
		if (one == 0)
			nested_in_namespace_then_kill();
		if (one > 0) {
			/* Signals of its own do not end process 1. */
			pause_ms(50);
			CHECK_OK(kill(one, SIGKILL));
			CHECK_EQ(waitpid(one, NULL, 0), one);
		}
		_exit(one > 0 ? 0 : CHECK_SKIPPED);
	}
	if (!ended_well(parent))
		CHECK_SKIP("no PID namespaces");
	expect_room_in_both();
}
