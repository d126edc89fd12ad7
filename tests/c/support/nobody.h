/* Another user: root makes an object, a user that owns nothing tries to use it. */
#ifndef SUPPORT_NOBODY_H
#define SUPPORT_NOBODY_H

#include <grp.h>
#include "check.h"

enum { NOBODY = 65534 };

__attribute__((unused)) static void become_user(uid_t user, gid_t group)
{
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(setgid(group));
	CHECK_OK(setuid(user));
}

/* Runs `body` in a child that is the user nobody. */
__attribute__((unused))
static void as_nobody(void (*body)(const char *), const char *name)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can become another user");
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(NOBODY, NOBODY);
		body(name);
		_exit(0);
	}
	check_child(pid);
}

#endif
