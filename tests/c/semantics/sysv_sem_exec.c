/* A thread sleeps in semop(2), and another one of its process begins a new program. */
#include "../support/sysv_holders.h"

static int the_set;
static int *told;

/* Of the new program: the set that it uses, or "none". */
static const char *const role = "RSIPC_CHECK_SET";

/* The new program is the same one, and gets no further than this. */
__attribute__((constructor)) static void new_program(void)
{
	const char *set = getenv(role);
	if (!set)
		return;
	check_end_some_day();
	if (strcmp(set, "none") != 0)
		CHECK_OK(SEMOP(atoi(set), { 0, 1, SEM_UNDO }));
	for (;;)
		pause();
}

static void *begins_another_program(void *set)
{
	CHECK_OK(setenv(role, set, 1));
	CHECK_SOON(__atomic_load_n(told, __ATOMIC_SEQ_CST));
	execl("/proc/self/exe", program_invocation_name, NULL);
	CHECK(!"exec");
	return NULL;
}

/* A child with an adjustment, of which one thread sleeps. Beside it another process has one. */
static pid_t sleeper_with_undo(bool uses_the_set)
{
	pthread_t thread;
	static char set[16] = "none";
	told = common_memory(sizeof *told);
	the_set = new_set(2);
	if (uses_the_set)
		snprintf(set, sizeof set, "%d", the_set);
	HOLDER(the_set, { 0, 1, SEM_UNDO });
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(the_set, { 0, 1, SEM_UNDO }));
		CHECK_EQ(pthread_create(&thread, NULL, begins_another_program, set), 0);
		SEMOP(the_set, { 1, -1, 0 });
		_exit(1);
	}
	CHECK_SOON(takers_of(the_set, 1) == 1 && asleep(pid, pid));
	__atomic_store_n(told, 1, __ATOMIC_SEQ_CST);
	return pid;
}

static void nothing_is_taken(void)
{
	CHECK_OK(SEMOP(the_set, { 1, 1, 0 }));
	CHECK_EQ(value_of(the_set, 1), 1);
	CHECK_EQ(takers_of(the_set, 1), 0);
}

CASE(semop_thread_asleep_takes_nothing_after_the_exec_of_another)
{
	pid_t pid = sleeper_with_undo(false);
	CHECK_SOON(takers_of(the_set, 1) == 0);
	nothing_is_taken();
	CHECK_EQ(value_of(the_set, 0), 2);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(value_of(the_set, 0), 1);
}

CASE(semop_thread_asleep_takes_nothing_once_the_next_program_uses_the_set)
{
	pid_t pid = sleeper_with_undo(true);
	CHECK_SOON(value_of(the_set, 0) == 3);
	nothing_is_taken();
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(value_of(the_set, 0), 1);
}
