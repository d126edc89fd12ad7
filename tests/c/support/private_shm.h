/* A /dev/shm that only this case sees: full, read-only, or not there at all. Needs CAP_SYS_ADMIN. */
#ifndef SUPPORT_PRIVATE_SHM_H
#define SUPPORT_PRIVATE_SHM_H

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include "check.h"

/* Mounts a tmpfs over `place`, in a mount namespace of our own. */
__attribute__((unused))
static void private_tmpfs(const char *place, unsigned long flags, const char *options)
{
	if (unshare(CLONE_NEWNS) == -1)
		CHECK_SKIP("no mount namespace of our own (unshare is refused)");
	if (mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("check", place, "tmpfs", flags, options) == -1)
		CHECK_SKIP("tmpfs cannot be mounted here");
}

__attribute__((unused)) static int entries_in(const char *place)
{
	int count = 0;
	DIR *dir = opendir(place);
	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

#endif
