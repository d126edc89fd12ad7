/* What the checks of shared memory objects share. */
#ifndef SUPPORT_SHM_H
#define SUPPORT_SHM_H

#include <sys/stat.h>
#include "check.h"

/* The file of an object. The text lasts until the next call. */
__attribute__((unused)) static const char *shm_path(const char *name)
{
	static char path[400];
	snprintf(path, sizeof path, "/dev/shm/%s", name + 1);
	return path;
}

/* A new object, open for reading and writing, that holds this text. */
__attribute__((unused)) static int shm_new(const char *name, const char *text)
{
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	CHECK_OK(fd);
	CHECK_EQ(pwrite(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

/* What an object holds. The text lasts until the next call. */
__attribute__((unused)) static const char *shm_text(int fd)
{
	static char text[100];
	ssize_t length = pread(fd, text, sizeof text - 1, 0);
	CHECK_OK(length);
	text[length] = 0;
	return text;
}

__attribute__((unused)) static off_t shm_size(int fd)
{
	struct stat st;
	CHECK_OK(fstat(fd, &st));
	return st.st_size;
}

#endif
