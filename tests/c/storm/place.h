/* The directory of the objects, RSIPC_DIR. */
#ifndef PLACE_H
#define PLACE_H

#include <dirent.h>
#include <sys/stat.h>
#include "storm.h"

/* Bytes of all files in it; 0 if it is not set. */
static inline long bytes_used(void)
{
	long bytes = 0;
	if (!getenv("RSIPC_DIR"))
		return 0;
	DIR *directory = opendir(getenv("RSIPC_DIR"));
	MUST(directory != NULL);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		struct stat status;
		if (entry->d_name[0] == '.')
			continue;
		MUST(fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 || errno == ENOENT);
		bytes += status.st_size;
	}
	closedir(directory);
	return bytes;
}

#endif
