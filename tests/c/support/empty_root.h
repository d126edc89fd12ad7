/* A root directory in which there is nothing: a daemon that confines itself. */
#ifndef SUPPORT_EMPTY_ROOT_H
#define SUPPORT_EMPTY_ROOT_H

#include "check.h"

static void enter_empty_root(void)
{
	char directory[] = "/tmp/rsipc-root-XXXXXX";
	CHECK(mkdtemp(directory));
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_OK(parent);
	CHECK_OK(chroot(directory));
	CHECK_OK(chdir("/"));
	/* It stays the root. */
	CHECK_OK(unlinkat(parent, directory + strlen("/tmp/"), AT_REMOVEDIR));
	CHECK_OK(close(parent));
}

#endif
