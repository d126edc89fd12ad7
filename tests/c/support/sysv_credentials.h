/* A process that changes its credentials, and a set that it may use with some of them. */
#ifndef SUPPORT_SYSV_CREDENTIALS_H
#define SUPPORT_SYSV_CREDENTIALS_H

#include "nobody.h"
#include "sysv_sem.h"

static int the_set;

static bool may_operate(void)
{
	int result = SEMOP(the_set, { 0, 1, 0 });
	CHECK(result == 0 || errno == EACCES);
	return result == 0;
}

/* Often enough that whatever is remembered is remembered. */
static void is_in(void)
{
	for (int i = 0; i < 3; i++)
		CHECK(may_operate());
	CHECK_OK(semctl(the_set, 0, GETVAL));
}

static void is_out(void)
{
	CHECK(!may_operate());
	CHECK_FAILS(semctl(the_set, 0, GETVAL), EACCES);
	CHECK_FAILS(semctl(the_set, 0, SETVAL, 1), EACCES);
}

/* A set of root's. The body runs in a child. */
static void with_set(int mode, void (*body)(void))
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	the_set = noted(semget(own_key(0), 1, IPC_CREAT | mode));
	pid_t pid = check_fork();
	if (pid == 0) {
		body();
		_exit(0);
	}
	check_child(pid);
}

#endif
