/* Cases whose outcome is known, for tests/harness.rs: a check that cannot fail would be worth
 * nothing. */
#include <semaphore.h>
#include "../support/check.h"

CASE(holds)
{
	CHECK(1);
	CHECK_EQ(2 + 2, 4);
	CHECK_OK(0);
	CHECK_FAILS(close(-1), EBADF);
	CHECK_SOON(1);
}

CASE(is_false)
{
	CHECK(0);
}

CASE(is_not_equal)
{
	CHECK_EQ(2 + 2, 5);
}

CASE(does_not_succeed)
{
	CHECK_OK(close(-1));
}

CASE(does_not_fail)
{
	CHECK_FAILS(close(dup(0)), EBADF);
}

CASE(fails_otherwise)
{
	CHECK_FAILS(close(-1), EINTR);
}

CASE(crashes)
{
	raise(SIGSEGV);
}

CASE(hangs)
{
	pause();
}

CASE(hangs_and_takes_the_alarm)
{
	signal(SIGALRM, SIG_IGN);
	for (;;)
		pause();
}

CASE(has_a_child_that_fails)
{
	pid_t pid = check_fork();
	if (pid == 0)
		CHECK(0);
	check_child(pid);
}

CASE(has_a_child_that_hangs)
{
	pid_t pid = check_fork();
	if (pid == 0)
		pause();
	check_child(pid);
}

CASE(cannot_be_tried)
{
	CHECK_SKIP("no reason at all");
}

CASE_BETTER(is_better, "it is only said so")
{
}

CASE(leaves_an_object_and_a_child)
{
	const char *name = check_name("left");
	CHECK(sem_open(name, O_CREAT, 0600, 1) != SEM_FAILED);
	pid_t pid = check_fork();
	if (pid == 0) {
		fclose(stdout);
		fclose(stderr);
		alarm(0);
		pause();
	}
	printf("%s %d\n", name, (int)pid);
}
