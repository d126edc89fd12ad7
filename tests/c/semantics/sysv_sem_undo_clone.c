/* SEM_UNDO in a child of clone(2): when its function returns, the C library ends the thread by the
 * bare system call, and the process with it. */
#include <sched.h>
#include <sys/prctl.h>
#include "../support/sysv_holders.h"

enum { STACK = 64 * 1024, RETURNED = 7 };

static char stack[STACK] __attribute__((aligned(16)));
static int set;

static int takes_two(void *calls)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int call = 0; call < *(int *)calls; call++)
		CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	return RETURNED;
}

/* A child with these flags that takes so often ends as it would without. */
static void check_end(int flags, int calls)
{
	int status;
	pid_t child = clone(takes_two, stack + STACK, flags | SIGCHLD, &calls);
	CHECK_OK(child);
	CHECK_SOON(waitpid(child, &status, WNOHANG) == child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), RETURNED);
	CHECK_EQ(value_of(set, 0), 5);
}

CASE(semop_undo_lets_a_clone_child_end_when_its_function_returns)
{
	set = new_set_of_value(5);
	check_end(0, 0);
	check_end(0, 1);
	check_end(0, 2);
}

CASE(semop_undo_lets_a_clone_child_end_that_shares_the_descriptors)
{
	set = new_set_of_value(5);
	check_end(CLONE_FILES | CLONE_FS, 1);
}

CASE(semop_undo_lets_a_clone_child_end_beside_undo_of_its_parent)
{
	set = new_set_of_value(7);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	check_end(0, 1);
}

CASE(semop_undo_lets_children_of_a_clone_child_end)
{
	/* The child of its fork is the C library's again, and ends as any. */
	set = new_set_of_value(5);
	int status, once = 1;
	pid_t child = check_fork();
	if (child == 0) {
		check_end(0, 1);
		takes_two(&once);
		_exit(0);
	}
	CHECK_SOON(waitpid(child, &status, WNOHANG) == child);
	CHECK_EQ(status, 0);
	CHECK_EQ(value_of(set, 0), 5);
}
