/* Load, forks and the end of a process; what a thread remembers. */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

/* In the block that each thread has from its beginning: nothing is allocated for it, so that it
 * can be used in a signal handler. */
static __thread struct rsipc_watch_memory memory __attribute__((tls_model("initial-exec")));
static __thread struct rsipc_watch_who who __attribute__((tls_model("initial-exec")));

struct rsipc_watch_memory *rsipc_watch_memory(void)
{
	return &memory;
}

struct rsipc_watch_who *rsipc_watch_who(void)
{
	return &who;
}

__attribute__((constructor)) static void load(void)
{
	int before = errno;
	rsipc_watch_find_next();
	pthread_atfork(rsipc_watch_fork, NULL, rsipc_watch_forked);
	rsipc_watch_begin();
	errno = before;
}

__attribute__((destructor)) static void unload(void)
{
	rsipc_watch_end();
}
