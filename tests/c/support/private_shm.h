/* A /dev/shm that only this case sees: full, read-only, or not there at all.
 * Needs CAP_SYS_ADMIN, or else a kernel that lets a plain user have a user namespace. */
#ifndef SUPPORT_PRIVATE_SHM_H
#define SUPPORT_PRIVATE_SHM_H

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include "check.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	ssize_t written = write(fd, text, strlen(text));
	close(fd);
	return written == (ssize_t)strlen(text) ? 0 : -1;
}

/* A namespace in which a plain user may mount, under the number that it has outside. */
static int unshare_as_plain_user(void)
{
	char uids[60], gids[60];
	snprintf(uids, sizeof uids, "%u %u 1", geteuid(), geteuid());
	snprintf(gids, sizeof gids, "%u %u 1", getegid(), getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		return -1;
	if (write_file("/proc/self/setgroups", "deny") == -1 ||
	    write_file("/proc/self/uid_map", uids) == -1)
		return -1;
	return write_file("/proc/self/gid_map", gids);
}

/* Mounts a tmpfs over `place`, in a mount namespace of our own. */
__attribute__((unused))
static void private_tmpfs(const char *place, unsigned long flags, const char *options)
{
	if (unshare(CLONE_NEWNS) == -1 && unshare_as_plain_user() == -1)
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
