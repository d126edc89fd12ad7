/* Keys of System V objects, by which programs that know nothing of each other find the same one. */
#ifndef FTOK_H
#define FTOK_H

#include "course.h"

#include <fcntl.h>
#include <sys/ipc.h>

/* The key of a file in the directory for temporary files: any process that knows its name finds the
 * object. The file is gone when this returns; the key remains what it was. */
HELPER key_t own_key(const char *what)
{
	struct name path = own_path(what);
	check(close((int)check(open(path.text, O_CREAT | O_EXCL | O_WRONLY, 0600), path.text)),
	      "close");
	key_t key = (key_t)check(ftok(path.text, 'S'), "ftok");
	check(unlink(path.text), "unlink");
	return key;
}

#endif
