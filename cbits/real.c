/* The functions of the library behind this one. */
#define _GNU_SOURCE
#include "real.h"
#include "raw.h"

#include <dlfcn.h>
#include <errno.h>

#define AT_FIRST(result, name, parameters, ...) .name = rsipc_raw_##name,

/* The system calls themselves, until the next library's functions are known. The loader has
 * put in these addresses before any constructor runs. */
struct rsipc_real rsipc_real = { RSIPC_REAL_FUNCTIONS(AT_FIRST) };

/* dlsym allocates, and takes the loader's lock. So it is called only when the library is loaded:
 * never in a signal handler, in the child of a fork, or in an allocator that closes a file of its
 * own.
 *
 * Nothing is found in a program that is linked statically, and in an older C library for what
 * is newer. */
static void look_up(void *field, const char *name)
{
	void *next = dlsym(RTLD_NEXT, name);
	if (next)
		__atomic_store_n((void **)field, next, __ATOMIC_RELAXED);
}

#define LOOK_UP(result, name, parameters, ...) look_up(&rsipc_real.name, #name);

static int is_found;

__attribute__((constructor(101))) static void look_up_all(void)
{
	int before = errno;
	RSIPC_REAL_FUNCTIONS(LOOK_UP)
	errno = before;
	/* Release: the functions before. */
	__atomic_store_n(&is_found, 1, __ATOMIC_RELEASE);
}

void rsipc_find_real(void)
{
	if (!__atomic_load_n(&is_found, __ATOMIC_ACQUIRE))
		look_up_all();
}
