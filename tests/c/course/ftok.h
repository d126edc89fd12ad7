/* Keys of System V objects, by which programs that know nothing of each other find the same one. */
#ifndef FTOK_H
#define FTOK_H

#include "course.h"

#include <fcntl.h>
#include <sys/ipc.h>

static struct name key_file;
static pid_t key_maker;

static void remove_key_file(void)
{
	/* Children come here, too. */
	if (getpid() == key_maker)
		unlink(key_file.text);
}

/* The key of a file in the directory for temporary files: any process that knows its name finds the
 * object. The file stays until this program ends: the next one of the directory could have its
 * inode, and so its key. */
HELPER key_t own_key(const char *what)
{
	key_file = own_path(what);
	key_maker = getpid();
	check(close((int)check(open(key_file.text, O_CREAT | O_EXCL | O_WRONLY, 0600),
			       key_file.text)),
	      "close");
	check(atexit(remove_key_file), "atexit");
	return (key_t)check(ftok(key_file.text, 'S'), "ftok");
}

#endif
