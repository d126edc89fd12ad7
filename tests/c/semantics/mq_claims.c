/* A participant that ends in the middle of a call, in every way that it can: its slot becomes free
 * again. */
#include "../support/wall.h"

#include <linux/futex.h>

static void kill_in_nested_call(bool reaped)
{
	make_ground();
	pid_t child = check_fork();
	if (child == 0) {
		handle_wall(0, nested_then_kill);
		send_against_wall(first);
		end_by_kill();
	}
	siginfo_t end;
	CHECK_OK(waitid(P_PID, (id_t)child, &end, WEXITED | (reaped ? 0 : WNOWAIT)));
	expect_room_in_both();
}

CASE(mq_send_nested_in_a_handler_and_killed_leaves_the_space)
{
	kill_in_nested_call(true);
}

CASE(mq_send_nested_in_a_handler_of_a_zombie_leaves_the_space)
{
	kill_in_nested_call(false);
}

static void exec_here(void)
{
	execl("/bin/sleep", "sleep", "5", NULL);
	_exit(1);
}

static void *send_in_thread(void *unused)
{
	(void)unused;
	send_against_wall(first);
	exec_here();
	return NULL;
}

CASE(mq_send_of_a_thread_that_is_not_the_leader_and_execs_leaves_the_space)
{
	make_ground();
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		handle_wall(0, exec_here);
		CHECK_EQ(pthread_create(&thread, NULL, send_in_thread, NULL), 0);
		stay_here();
	}
	char path[64], name[32] = "";
	snprintf(path, sizeof path, "/proc/%d/comm", (int)child);
	for (int ms = 0; strncmp(name, "sleep", 5) != 0; ms++) {
		CHECK(ms < 5000);
		pause_ms(1);
		FILE *file = fopen(path, "re");
		CHECK(file && fgets(name, sizeof name, file));
		fclose(file);
	}
	expect_room(first);
	CHECK_OK(kill(child, SIGKILL));
}

static atomic_int thread_over;

static void end_thread(void)
{
	if (depth == 1)
		send_against_wall(second);
	atomic_store(&thread_over, 1);
	syscall(SYS_exit, 0);
}

static void *end_in_the_middle(void *without_list)
{
	/* Where it is refused there is none. */
	size_t size = sizeof(struct robust_list_head);
	if (without_list && syscall(SYS_set_robust_list, NULL, size) == -1)
		CHECK(errno == ENOSYS || errno == EPERM);
	send_against_wall(first);
	end_thread();
	return NULL;
}

static void thread_that_ends(void *without_list)
{
	pthread_t thread;
	make_ground();
	handle_wall(0, end_thread);
	CHECK_EQ(pthread_create(&thread, NULL, end_in_the_middle, without_list), 0);
	CHECK_SOON(atomic_load(&thread_over));
	depth = 0;
	expect_room_in_both();
}

CASE(mq_send_of_a_thread_that_ends_in_a_handler_leaves_the_space)
{
	thread_that_ends(NULL);
}

CASE(mq_send_of_a_thread_without_a_robust_list_leaves_the_space)
{
	thread_that_ends(&thread_over);
}

static void mutex_then_kill(void)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)(body + 64);
	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
	end_by_kill();
}

CASE(mq_send_whose_handler_used_a_robust_mutex_leaves_the_space)
{
	make_ground();
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	CHECK_EQ(pthread_mutex_init((pthread_mutex_t *)(body + 64), &attr), 0);
	pid_t child = check_fork();
	if (child == 0) {
		handle_wall(0, mutex_then_kill);
		send_against_wall(first);
		end_by_kill();
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	expect_room(first);
}

CASE(mq_send_of_a_vfork_child_that_dies_leaves_the_space)
{
	char text[SIZE] = "";
	make_ground();
	/* The parent has been here before. */
	CHECK_OK(mq_send(first, text, SIZE, 0));
	CHECK_EQ(mq_receive(first, text, SIZE, NULL), SIZE);
	pid_t child = vfork();
	if (child == 0) {
		send_against_wall(first);
		_exit(0);
	}
	CHECK_OK(child);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	expect_room(first);
}

CASE(mq_send_first_made_by_a_vfork_child_leaves_the_parent_whole)
{
	make_ground();
	pid_t child = vfork();
	if (child == 0) {
		mq_send(first, "child", 5, 0);
		_exit(0);
	}
	CHECK_OK(child);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	queue_expect(first, "child", 0);
	queue_put(first, "parent", 0);
	queue_expect(first, "parent", 0);
	expect_room(first);
}
