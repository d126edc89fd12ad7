/* Children that share the memory of their parent, made by clone(2), posix_spawn,
 * system and popen: see mq_vfork.c. */
#include "../support/vfork.h"

#include <spawn.h>

static char *const nothing[] = { "true", NULL };

static int run_body(void *body)
{
	(*(void (**)(void))body)();
	_exit(0);
}

/* As libraries that bring their own vfork do: a stack of its own, and a system call. */
static void in_clone_child(int flags, void (*body)(void))
{
	enum { STACK = 256 * 1024 };
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	pid_t child = clone(run_body, stack + STACK, flags | SIGCHLD, &body);
	CHECK_OK(child);
	check_child(child);
}

static void close_each(void)
{
	for (int fd = 3; fd < 256; fd++)
		close(fd);
}

static void close_a_range(void)
{
	CHECK_OK(close_range(3, ~0u, 0));
}

static void mq_close_queue(void)
{
	CHECK_OK(mq_close(queue));
	CHECK_OK(mq_close(second));
}

CASE(mq_goes_on_after_a_clone_child_with_the_same_memory)
{
	set_up();
	in_clone_child(CLONE_VM | CLONE_VFORK, close_each);
	all_goes_on();
}

CASE(mq_goes_on_after_a_clone_child_that_ran_beside_its_parent)
{
	set_up();
	in_clone_child(CLONE_VM, close_a_range);
	all_goes_on();
}

CASE(mq_is_closed_by_a_clone_child_that_shares_the_descriptors)
{
	set_up();
	in_clone_child(CLONE_VM | CLONE_VFORK | CLONE_FILES, mq_close_queue);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
	CHECK_EQ(queue_events(second), POLLNVAL);
	queue_put(copy, "more", 0);
	queue_expect(copy, "more", 0);
}

CASE(mq_goes_on_with_one_descriptor_after_a_clone_child)
{
	open_one();
	in_clone_child(CLONE_VM | CLONE_VFORK, close_each);
	descriptors_go_on();
	in_clone_child(CLONE_VM, close_a_range);
	descriptors_go_on();
}

static void spawn(posix_spawn_file_actions_t *actions)
{
	pid_t child;
	CHECK_EQ(posix_spawn(&child, "/bin/true", actions, NULL, nothing, NULL), 0);
	check_child(child);
}

CASE(mq_goes_on_after_posix_spawn_that_closes)
{
	posix_spawn_file_actions_t actions;
	set_up();
	CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
	CHECK_EQ(posix_spawn_file_actions_addclose(&actions, queue), 0);
	CHECK_EQ(posix_spawn_file_actions_adddup2(&actions, pipes[0], second), 0);
	CHECK_EQ(posix_spawn_file_actions_addopen(&actions, copy, "/dev/null", O_RDONLY, 0), 0);
	spawn(&actions);
	all_goes_on();
}

CASE(mq_goes_on_after_posix_spawn_that_closes_from_a_number)
{
	posix_spawn_file_actions_t actions;
	set_up();
	CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
	int failed = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (failed == ENOSYS)
		CHECK_SKIP("posix_spawn closes no range here");
	CHECK_EQ(failed, 0);
	spawn(&actions);
	all_goes_on();
}

CASE(mq_goes_on_after_system_and_popen)
{
	set_up();
	CHECK_EQ(system("exec 3<&- 4<&- 5<&- 6<&-"), 0);
	FILE *text = popen("echo", "re");
	CHECK(text && fgetc(text) == '\n');
	CHECK_EQ(pclose(text), 0);
	all_goes_on();
}

static void *starts_children(void *unused)
{
	for (int i = 0; i < 20; i++)
		in_vfork_child(close_a_range);
	return unused;
}

CASE(mq_goes_on_in_a_thread_while_another_makes_vfork_children)
{
	pthread_t thread;
	set_up();
	CHECK_EQ(pthread_create(&thread, NULL, starts_children, NULL), 0);
	/* At least once: the other thread may have ended by now. */
	do {
		queue_put(second, "meanwhile", 1);
		CHECK_EQ(queue_events(second), POLLIN | POLLOUT);
		queue_expect(copy, "meanwhile", 1);
	} while (pthread_tryjoin_np(thread, NULL) == EBUSY);
	expect_note();
	CHECK_OK(ask_for_note(queue, 7));
	all_goes_on();
}
