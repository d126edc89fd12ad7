/* Children in PID namespaces of their own: each is process 1 there, so their numbers are equal. */
#ifndef SUPPORT_NAMESPACE_H
#define SUPPORT_NAMESPACE_H

#include <sched.h>
#include "check.h"

/* To be called first, by the case itself. */
__attribute__((unused)) static void need_namespaces(void)
{
	int status;
	pid_t tried = check_fork();
	if (tried == 0)
		_exit(unshare(CLONE_NEWPID) == -1);
	CHECK_EQ(waitpid(tried, &status, 0), tried);
	if (status != 0)
		CHECK_SKIP("no PID namespace of our own (unshare is refused)");
}

/* check_fork() into a new PID namespace. The number is the child's outside of it. */
__attribute__((unused)) static pid_t namespace_fork(void)
{
	int here = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
	CHECK_OK(here);
	CHECK_OK(unshare(CLONE_NEWPID));
	pid_t child = check_fork();
	if (child == 0)
		CHECK_EQ(getpid(), 1);
	else
		CHECK_OK(setns(here, CLONE_NEWPID));
	CHECK_OK(close(here));
	return child;
}

#endif
