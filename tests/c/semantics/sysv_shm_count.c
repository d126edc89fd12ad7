/* shm_nattch: over fork, exec, and any death. */
#include "../support/sysv_shm.h"

#include <spawn.h>

CASE(shmctl_counts_attachments_of_a_forked_child)
{
	int segment = new_segment(100);
	struct gate gate = new_gate();
	attach(segment);
	attach(segment);
	pid_t child = check_fork();
	if (child == 0) {
		await_gate(&gate);
		_exit(0);
	}
	CHECK_EQ(attached(segment), 4);
	open_gate(&gate);
	check_child(child);
	CHECK_EQ(attached(segment), 2);
}

static void sees_both(int segment)
{
	CHECK_EQ(attached(segment), 2);
	attach(segment);
	CHECK_EQ(attached(segment), 3);
}

CASE(shmctl_counts_the_same_in_the_child)
{
	int segment = new_segment(100);
	attach(segment);
	in_child(sees_both, segment);
	CHECK_EQ(attached(segment), 1);
}

/* A child that has the segment attached, and goes on when the gate is opened. */
static pid_t attached_child(int segment, struct gate *gate, void (*then)(void))
{
	struct gate ready = new_gate();
	pid_t child = check_fork();
	if (child == 0) {
		attach(segment);
		open_gate(&ready);
		await_gate(gate);
		then();
		_exit(99);
	}
	await_gate(&ready);
	return child;
}

static void leave(void)
{
	exit(0);
}

static void leave_at_once(void)
{
	_exit(0);
}

static void abort_quietly(void)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void kill_oneself(void)
{
	raise(SIGKILL);
}

CASE(shmctl_an_attachment_ends_with_its_process_however_it_ends)
{
	void (*ends[])(void) = { leave, leave_at_once, abort_quietly, kill_oneself };
	int segment = new_segment(100);
	for (int i = 0; i < 4; i++) {
		struct gate gate = new_gate();
		pid_t child = attached_child(segment, &gate, ends[i]);
		CHECK_EQ(attached(segment), 1);
		open_gate(&gate);
		CHECK_EQ(waitpid(child, NULL, 0), child);
		CHECK_SOON(attached(segment) == 0);
	}
}

CASE(shmctl_an_attachment_ends_with_a_killed_process)
{
	int segment = new_segment(100);
	struct gate gate = new_gate();
	pid_t child = attached_child(segment, &gate, leave);
	CHECK_EQ(attached(segment), 1);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_SOON(attached(segment) == 0);
}

/* A zombie has no memory. */
CASE(shmctl_an_attachment_ends_before_the_process_is_waited_for)
{
	int segment = new_segment(100);
	struct gate gate = new_gate();
	pid_t child = attached_child(segment, &gate, leave);
	siginfo_t end;
	open_gate(&gate);
	CHECK_OK(waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT));
	CHECK_SOON(attached(segment) == 0);
	check_child(child);
}

static void begin_another_program(void)
{
	/* It lives as long as its input. */
	execl("/bin/cat", "cat", NULL);
}

CASE(shmctl_an_attachment_ends_with_exec)
{
	int segment = new_segment(100), input[2];
	struct gate gate = new_gate();
	CHECK_OK(pipe(input));
	CHECK_OK(fcntl(input[1], F_SETFD, FD_CLOEXEC));
	int saved = dup(0);
	CHECK_OK(dup2(input[0], 0));
	pid_t child = attached_child(segment, &gate, begin_another_program);
	CHECK_OK(dup2(saved, 0));
	CHECK_EQ(attached(segment), 1);
	open_gate(&gate);
	CHECK_SOON(attached(segment) == 0);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	CHECK_OK(close(input[1]));
	check_child(child);
}

static void *attaches(void *segment)
{
	attach(*(int *)segment);
	return NULL;
}

CASE(shmctl_threads_have_their_attachments_in_common)
{
	int segment = new_segment(100);
	for (int i = 0; i < 4; i++) {
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, attaches, &segment), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		CHECK_EQ(attached(segment), i + 1);
	}
}

static struct gate over;

static void *ends_with_the_gate(void *unused)
{
	await_gate(&over);
	_exit(0);
	return unused;
}

CASE(shmctl_counts_a_process_whose_first_thread_has_ended)
{
	int segment = new_segment(100);
	struct gate ready = new_gate();
	over = new_gate();
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		attach(segment);
		CHECK_EQ(pthread_create(&thread, NULL, ends_with_the_gate, NULL), 0);
		open_gate(&ready);
		pthread_exit(NULL);
	}
	await_gate(&ready);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(attached(segment), 1);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	open_gate(&over);
	check_child(child);
	CHECK_SOON(attached(segment) == 0);
}

CASE(shmctl_counts_mappings)
{
	int segment = new_segment(3 * page_size());
	char *at = attach(segment);
	CHECK_OK(mprotect(at + page_size(), page_size(), PROT_READ));
	CHECK_EQ(attached(segment), 3);
	CHECK_OK(munmap(at, 3 * page_size()));
	CHECK_EQ(attached(segment), 0);
}

CASE(shmctl_an_unmapped_half_leaves_one)
{
	int segment = new_segment(2 * page_size());
	char *at = attach(segment);
	CHECK_OK(munmap(at, page_size()));
	CHECK_EQ(attached(segment), 1);
	CHECK_OK(munmap(at + page_size(), page_size()));
	CHECK_EQ(attached(segment), 0);
}

CASE(shmctl_counts_no_private_copy)
{
	int segment = new_segment(100);
	char *at = attach(segment), copy[100];
	memcpy(copy, at, sizeof copy);
	CHECK_EQ(attached(segment), 1);
}

CASE(shmctl_counts_each_segment_by_itself)
{
	enum { MANY = 20 };
	int segment[MANY];
	for (int i = 0; i < MANY; i++) {
		segment[i] = new_segment(100);
		for (int k = 0; k < i % 3; k++)
			attach(segment[i]);
	}
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(attached(segment[i]), i % 3);
}

CASE(shmctl_counts_many_processes)
{
	enum { MANY = 20 };
	int segment = new_segment(100);
	struct gate gate = new_gate();
	pid_t child[MANY];
	for (int i = 0; i < MANY; i++)
		child[i] = attached_child(segment, &gate, leave_at_once);
	/* The later ones do not inherit anything of the earlier ones. */
	CHECK_EQ(attached(segment), MANY);
	for (int i = 0; i < MANY; i++)
		CHECK_OK(kill(child[i], SIGKILL));
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(waitpid(child[i], NULL, 0), child[i]);
	CHECK_SOON(attached(segment) == 0);
}

/* What PostgreSQL asks before it starts: whether a child of the old server is left. */
CASE(shmctl_shows_a_grandchild_that_outlives_its_parent)
{
	int segment = noted(shmget(own_key(0), 56, IPC_CREAT | IPC_EXCL | 0600));
	struct gate gate = new_gate(), gone = new_gate();
	pid_t server = check_fork();
	if (server == 0) {
		attach(segment);
		if (check_fork() == 0) {
			await_gate(&gate);
			open_gate(&gone);
			_exit(0);
		}
		raise(SIGKILL);
	}
	CHECK_EQ(waitpid(server, NULL, 0), server);
	CHECK_SOON(attached(segment) == 1);
	open_gate(&gate);
	await_gate(&gone);
	CHECK_SOON(attached(segment) == 0);
}
