/* The calls that change the credentials of the process, or of a thread. They are the C library's,
 * which has all threads make the system call; here only the word is moved by which answers about
 * permissions are known to be old (os/credentials.rs).
 *
 * Two are missing. initgroups is in one file of libc.a with getgrouplist, so a second one would
 * keep programs that use that from being linked statically; there it calls our setgroups.
 * raw_credentials.c needs setregid for itself. What these two change is seen in the next second, as
 * it is of a bare system call. */
#define _GNU_SOURCE
#include "real.h"
#include "rsipc_cbits.h"

#pragma GCC visibility push(hidden)
extern unsigned rsipc_credentials;

#define DECLARE(result, name, parameters, arguments) result rsipc_c_##name parameters;
RSIPC_CREDENTIAL_CALLS(DECLARE)
#pragma GCC visibility pop

/* A constructor of a library that is initialised before us may have started threads. Only the C
 * library makes a change for all of them. */
static void find_real(void)
{
	if (!rsipc_is_alone())
		rsipc_find_real();
}

/* Release: the change comes before. A failed call has moved it in vain. */
static void may_have_changed(void)
{
	__atomic_fetch_add(&rsipc_credentials, 1, __ATOMIC_RELEASE);
}

#define DEFINE(result, name, parameters, arguments)                                                \
	result rsipc_c_##name parameters                                                           \
	{                                                                                          \
		find_real();                                                                       \
		result changed = RSIPC_REAL(name) arguments;                                       \
		may_have_changed();                                                                \
		return changed;                                                                    \
	}

RSIPC_CREDENTIAL_CALLS(DEFINE)
