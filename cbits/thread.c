#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <pthread.h>

#pragma GCC visibility push(hidden)
void rsipc_thread_retire(struct rsipc_thread *thread);
void rsipc_thread_watch(void);
struct rsipc_thread **rsipc_thread_slot(void);
#pragma GCC visibility pop

/* Initial-exec: no allocation at the first access, so a signal handler may make it. */
__thread struct rsipc_thread *rsipc_thread __attribute__((tls_model("initial-exec")));

static pthread_key_t key;

static void retire(void *thread)
{
	rsipc_thread = NULL;
	rsipc_thread_retire(thread);
}

__attribute__((constructor)) static void make_key(void)
{
	pthread_key_create(&key, retire);
}

struct rsipc_thread **rsipc_thread_slot(void)
{
	return &rsipc_thread;
}

/* Called when the thread has got its block: it gives it back when it ends. */
void rsipc_thread_watch(void)
{
	pthread_setspecific(key, rsipc_thread);
}
