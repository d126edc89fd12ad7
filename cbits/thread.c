/* The block of each thread. */
#include "rsipc_cbits.h"

/* Initial-exec: no allocation at the first access, so a signal handler may make it. */
__thread struct rsipc_thread *rsipc_thread __attribute__((tls_model("initial-exec")));

#pragma GCC visibility push(hidden)
struct rsipc_thread **rsipc_thread_slot(void);
#pragma GCC visibility pop

struct rsipc_thread **rsipc_thread_slot(void)
{
	return &rsipc_thread;
}
