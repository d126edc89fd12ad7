/* Another user: root makes an object, somebody who owns nothing tries to use it. */
#ifndef SUPPORT_NOBODY_H
#define SUPPORT_NOBODY_H

#include <grp.h>
#include "check.h"

enum { NOBODY = 65534 };

/* Runs `body` in a child that is nobody. */
static void as_nobody(void (*body)(const char *), const char *name)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can become another user");
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(setgroups(0, NULL));
		CHECK_OK(setgid(NOBODY));
		CHECK_OK(setuid(NOBODY));
		body(name);
		_exit(0);
	}
	check_child(pid);
}

#endif
