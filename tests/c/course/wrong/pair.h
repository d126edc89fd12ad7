/* A wrong program and its right twin in one file: `./program` makes the mistake, `./program right`
 * does not. What the wrong one prints on its standard output, "wrong: OBJECT by PID", is what a
 * checker should find. */
#ifndef PAIR_H
#define PAIR_H

#include "../course.h"

static int is_right;

HELPER void begin_pair(int count, char **arguments)
{
	begin();
	is_right = count > 1 && strcmp(arguments[1], "right") == 0;
}

HELPER void blame(const char *object, pid_t pid)
{
	if (is_right)
		return;
	printf("wrong: %s by %d\n", object, (int)pid);
	fflush(stdout);
}

HELPER void blame_address(const void *object, pid_t pid)
{
	char text[32];
	snprintf(text, sizeof(text), "%p", object);
	blame(text, pid);
}

#endif
