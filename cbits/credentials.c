/* The calls that change the credentials of the process, or of a thread. They are the C library's,
 * which has all threads make the system call. Here only the generation is incremented that marks
 * kept answers about permissions as out of date (os/credentials.rs). unshare and setns may also
 * leave the list of semaphore adjustments, and the table of descriptors.
 *
 * Two are missing. initgroups is in one file of libc.a with getgrouplist, so a second one would
 * keep programs that use that from being linked statically; there it calls our setgroups.
 * raw_credentials.c needs setregid for itself. What these two change is seen in the next second, as
 * with a bare system call. */
#define _GNU_SOURCE
#include "real.h"
#include "rsipc_cbits.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#pragma GCC visibility push(hidden)
extern unsigned rsipc_credentials;
extern unsigned rsipc_file_user;

/* What is to be undone of System V semaphores is undone. */
void rsipc_left_undo_list(void);
/* The thread has a table of descriptors of its own now. */
void rsipc_unshared(void);

#define DECLARE(result, name, parameters, arguments) result rsipc_c_##name parameters;
RSIPC_CREDENTIAL_CALLS(DECLARE)
RSIPC_FILE_USER_CALLS(DECLARE)
RSIPC_NAMESPACE_CALLS(DECLARE)
#pragma GCC visibility pop

RSIPC_AS_DECLARED(setns);
RSIPC_AS_DECLARED(unshare);

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

/* Before the call: the thread may use an object in a handler as soon as it has returned. */
static void will_be_file_user(void)
{
	__atomic_store_n(&rsipc_file_user, 1, __ATOMIC_RELAXED);
}

static void will_be_other(void)
{
}

#define DEFINE_AFTER(before, result, name, parameters, arguments)                                  \
	result rsipc_c_##name parameters                                                           \
	{                                                                                          \
		find_real();                                                                       \
		before();                                                                          \
		result changed = RSIPC_REAL(name) arguments;                                       \
		may_have_changed();                                                                \
		return changed;                                                                    \
	}

#define DEFINE(...) DEFINE_AFTER(will_be_other, __VA_ARGS__)
#define DEFINE_OF_FILES(...) DEFINE_AFTER(will_be_file_user, __VA_ARGS__)
RSIPC_CREDENTIAL_CALLS(DEFINE)
RSIPC_FILE_USER_CALLS(DEFINE_OF_FILES)

/* Other threads of the process still have the list of adjustments that one of them leaves: nothing
 * is undone then. */
static void left_undo_list(void)
{
	if (rsipc_has_become_alone())
		rsipc_left_undo_list();
}

int rsipc_c_unshare(int flags)
{
	find_real();
	int result = RSIPC_REAL(unshare)(flags);
	may_have_changed();
	if (result == 0 && (flags & (CLONE_SYSVSEM | CLONE_NEWIPC)))
		left_undo_list();
	/* A thread that is alone goes on with the table that it had. */
	if (result == 0 && (flags & CLONE_FILES) && !rsipc_has_become_alone())
		rsipc_unshared();
	return result;
}

/* Whether entering the namespaces of this descriptor changes the IPC namespace. A descriptor of a
 * process leads to the namespaces in `type`; one of a namespace, with any type, to that one. */
static int leads_to_ipc(int fd, int type)
{
	int error = errno;
	int kind = ioctl(fd, NS_GET_NSTYPE);
	errno = error;
	return kind == CLONE_NEWIPC || (kind == -1 && (type & CLONE_NEWIPC));
}

int rsipc_c_setns(int fd, int type)
{
	find_real();
	int result = RSIPC_REAL(setns)(fd, type);
	may_have_changed();
	/* Asked of a descriptor that setns has taken: on any other the ioctl may be a command. */
	if (result == 0 && leads_to_ipc(fd, type))
		left_undo_list();
	return result;
}
