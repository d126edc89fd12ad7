/* Programs that do as they are told, one line of the standard input after the other, and answer
 * each with a line: "ok", or the name of an error number. A call that sleeps answers when it is
 * over. */
#ifndef LINES_H
#define LINES_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../tests/c/support/older.h"

enum { LENGTH = 512 };

/* Negative: it has failed, and errno says how. */
typedef int do_line_function(char *line);

static do_line_function *do_line_in_thread;

static inline void *thread_of_line(void *line)
{
	do_line_in_thread(line);
	free(line);
	return NULL;
}

/* To the end of the input. "thread LINE" does the line in a thread of its own, and does not answer
 * for it. */
static inline void do_lines(do_line_function *do_line)
{
	static const char thread[] = "thread ";
	char line[LENGTH];
	do_line_in_thread = do_line;
	while (fgets(line, sizeof line, stdin)) {
		int failed = 0;
		pthread_t id;
		if (strncmp(line, thread, sizeof thread - 1) == 0)
			failed = pthread_create(&id, NULL, thread_of_line,
						strdup(line + sizeof thread - 1));
		else
			failed = do_line(line) < 0;
		puts(failed ? strerrorname_np(errno) : "ok");
		fflush(stdout);
	}
}

#endif
