/* SEM_UNDO belongs to the process: over fork, exec and the ends of its threads. */
#include <sched.h>
#include <spawn.h>
#include "../support/sysv_holders.h"

extern char **environ;

/* Runs a program that ends at once, by posix_spawn. */
static void spawn_and_wait(void)
{
	pid_t pid;
	char *arguments[] = { "true", NULL };
	CHECK_EQ(posix_spawnp(&pid, "true", NULL, NULL, arguments, environ), 0);
	check_child(pid);
}

CASE(semop_undo_is_not_inherited_by_a_child)
{
	int set = new_set_of_value(5);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	pid_t pid = check_fork();
	if (pid == 0)
		_exit(0);
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 3);
}

CASE(semop_undo_is_not_inherited_by_vfork_and_spawn)
{
	int set = new_set_of_value(5);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	pid_t pid = vfork();
	if (pid == 0)
		_exit(0);
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 3);
	spawn_and_wait();
	CHECK_EQ(value_of(set, 0), 3);
	CHECK_EQ(system("true"), 0);
	CHECK_EQ(value_of(set, 0), 3);
}

CASE(semop_undo_is_not_inherited_by_a_child_that_outlives_the_holder)
{
	int set = new_set_of_value(5);
	struct holder *child = common_memory(sizeof *child);
	pid_t parent = check_fork();
	if (parent == 0) {
		CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
		pid_t pid = check_fork();
		if (pid == 0)
			hold_until_told(child);
		await_ready(child);
		_exit(0);
	}
	check_child(parent);
	CHECK_EQ(value_of(set, 0), 5);
	__atomic_store_n(&child->end, EXITS_AT_ONCE, __ATOMIC_RELEASE);
	CHECK_EQ(value_of(set, 0), 5);
}

CASE(semop_undo_of_a_child_is_its_own)
{
	int set = new_set_of_value(5);
	struct holder *parent = common_memory(sizeof *parent);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		pid_t child = check_fork();
		if (child == 0) {
			CHECK_OK(SEMOP(set, { 0, -3, SEM_UNDO }));
			_exit(0);
		}
		check_child(child);
		hold_until_told(parent);
	}
	parent->pid = pid;
	await_ready(parent);
	CHECK_EQ(value_of(set, 0), 4);
	end_holder(parent, KILLED);
	CHECK_EQ(value_of(set, 0), 5);
}

CASE(semop_unlock_by_a_child_counts_for_the_child)
{
	int set = new_set_of_value(1);
	CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
		CHECK_EQ(value_of(set, 0), 1);
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 0);
}

/* A child that holds something and becomes the program. */
static pid_t holder_becomes(int set, char **arguments, char **environment)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		execvpe(arguments[0], arguments, environment);
		_exit(1);
	}
	return pid;
}

static void is_held_while_it_sleeps(char **environment)
{
	char *arguments[] = { "sleep", "100", NULL }, name[64] = "", path[64];
	int set = new_set_of_value(1);
	pid_t pid = holder_becomes(set, arguments, environment);
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	for (int i = 0; i < 10000 && strcmp(name, "sleep\n") != 0; i++) {
		FILE *file = fopen(path, "re");
		CHECK(file && fgets(name, sizeof name, file));
		fclose(file);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	CHECK(strcmp(name, "sleep\n") == 0);
	CHECK_SOON(asleep(pid, pid));
	CHECK_EQ(value_of(set, 0), 0);
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK(!is_done(sleeper));
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(end_of(sleeper), 0);
	CHECK_EQ(value_of(set, 0), 0);
}

CASE(semop_undo_is_kept_over_exec)
{
	is_held_while_it_sleeps(environ);
}

CASE(semop_undo_is_kept_over_exec_of_a_program_with_no_environment)
{
	char *none[] = { NULL };
	is_held_while_it_sleeps(none);
}

CASE(semop_undo_is_applied_when_the_new_program_ends)
{
	char *arguments[] = { "true", NULL }, *none[] = { NULL };
	int set = new_set_of_value(1);
	check_child(holder_becomes(set, arguments, environ));
	CHECK_EQ(value_of(set, 0), 1);
	check_child(holder_becomes(set, arguments, none));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_undo_is_kept_over_an_exec_that_fails)
{
	int set = new_set_of_value(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		CHECK_FAILS(execl("/no/such/program", "program", NULL), ENOENT);
		CHECK_EQ(value_of(set, 0), 0);
		CHECK_OK(SEMOP(set, { 0, 1, SEM_UNDO }));
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_undo_is_left_alone_by_the_exec_of_a_child)
{
	int set = new_set_of_value(1);
	CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
	pid_t pid = check_fork();
	if (pid == 0) {
		execlp("true", "true", NULL);
		_exit(1);
	}
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 0);
}

static int the_set;

static void *takes_one(void *unused)
{
	CHECK_OK(SEMOP(the_set, { 0, -1, SEM_UNDO }));
	return unused;
}

static void in_a_thread(void *(*body)(void *))
{
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(semop_undo_outlives_the_thread)
{
	the_set = new_set_of_value(1);
	struct holder *holder = common_memory(sizeof *holder);
	pid_t pid = check_fork();
	if (pid == 0) {
		in_a_thread(takes_one);
		CHECK_EQ(value_of(the_set, 0), 0);
		hold_until_told(holder);
	}
	holder->pid = pid;
	await_ready(holder);
	CHECK_EQ(value_of(the_set, 0), 0);
	end_holder(holder, KILLED);
	CHECK_EQ(value_of(the_set, 0), 1);
}

static void *gives_one(void *unused)
{
	CHECK_OK(SEMOP(the_set, { 0, 1, SEM_UNDO }));
	return unused;
}

CASE(semop_undo_of_one_thread_is_balanced_by_another)
{
	the_set = new_set_of_value(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		in_a_thread(takes_one);
		in_a_thread(gives_one);
		CHECK_OK(SEMOP(the_set, { 0, 10, 0 }));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(value_of(the_set, 0), 11);
}

static struct holder *last;

static void *stays(void *unused)
{
	/* The main thread is a zombie, the process lives. */
	CHECK_SOON(state_of(getpid(), getpid()) == 'Z');
	hold_until_told(last);
	return unused;
}

CASE(semop_undo_outlives_the_main_thread)
{
	the_set = new_set_of_value(1);
	last = common_memory(sizeof *last);
	pid_t pid = check_fork();
	if (pid == 0) {
		pthread_t thread;
		takes_one(NULL);
		CHECK_EQ(pthread_create(&thread, NULL, stays, NULL), 0);
		pthread_exit(NULL);
	}
	last->pid = pid;
	await_ready(last);
	CHECK_EQ(value_of(the_set, 0), 0);
	end_holder(last, KILLED);
	CHECK_EQ(value_of(the_set, 0), 1);
}

static void *ends_last(void *unused)
{
	CHECK_SOON(state_of(getpid(), getpid()) == 'Z');
	return unused;
}

CASE(semop_undo_comes_with_the_last_thread_that_ends)
{
	the_set = new_set_of_value(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		pthread_t thread;
		takes_one(NULL);
		CHECK_EQ(pthread_create(&thread, NULL, ends_last, NULL), 0);
		pthread_exit(NULL);
	}
	check_child(pid);
	CHECK_EQ(value_of(the_set, 0), 1);
}

static void *becomes_true(void *unused)
{
	execlp("true", "true", NULL);
	return unused;
}

CASE(semop_undo_is_kept_over_the_exec_of_another_thread)
{
	the_set = new_set_of_value(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		takes_one(NULL);
		in_a_thread(becomes_true);
		_exit(1);
	}
	check_child(pid);
	CHECK_EQ(value_of(the_set, 0), 1);
}

CASE(semop_undo_is_there_before_the_process_has_been_waited_for)
{
	int set = new_set_of_value(1);
	siginfo_t end;
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	CHECK_OK(kill(holder->pid, SIGKILL));
	CHECK_OK(waitid(P_PID, (id_t)holder->pid, &end, WEXITED | WNOWAIT));
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_undo_waits_while_the_holder_is_stopped)
{
	int set = new_set_of_value(1);
	struct holder *holder = HOLDER(set, { 0, -1, SEM_UNDO });
	CHECK_OK(kill(holder->pid, SIGSTOP));
	CHECK_SOON(state_of(holder->pid, holder->pid) == 'T');
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK_EQ(value_of(set, 0), 0);
	CHECK(!is_done(sleeper));
	end_holder(holder, KILLED);
	CHECK_EQ(end_of(sleeper), 0);
}

CASE(semop_undo_of_an_orphan_comes_as_well)
{
	int set = new_set_of_value(1);
	pid_t *orphan = common_memory(sizeof *orphan);
	pid_t parent = check_fork();
	if (parent == 0) {
		*orphan = HOLDER(set, { 0, -1, SEM_UNDO })->pid;
		_exit(0);
	}
	check_child(parent);
	CHECK_EQ(value_of(set, 0), 0);
	struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -1, 0 });
	CHECK(*orphan > 0);
	CHECK_OK(kill(*orphan, SIGKILL));
	CHECK_EQ(end_of(sleeper), 0);
}
