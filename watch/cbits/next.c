/* The functions behind ours. */
#define _GNU_SOURCE
#include "watch.h"

#include <dlfcn.h>
#include <errno.h>

struct rsipc_watch_next rsipc_watch_next;

#define WATCHED_NAME(result, name, parameters) #name,

const char *rsipc_watch_name(unsigned number)
{
	static const char *const names[] = { WATCHED_CALLS(WATCHED_NAME) };
	return number < WATCHED_COUNT ? names[number] : 0;
}

#define WATCHED_PLACE(field) { #field, offsetof(struct rsipc_watch_call, field) },

const char *rsipc_watch_field(unsigned number, size_t *offset)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = { WATCHED_FIELDS(WATCHED_PLACE) };
	if (number >= sizeof fields / sizeof *fields)
		return 0;
	*offset = fields[number].offset;
	return fields[number].name;
}

static int is_found;

#define WATCHED_LOOK_UP(result, name, parameters)                                                  \
	*(void **)&rsipc_watch_next.name = dlsym(RTLD_NEXT, #name);

/* dlsym allocates, so it is called at load. A library whose constructor runs before ours has its
 * first call look them up. */
void rsipc_watch_find_next(void)
{
	if (__atomic_load_n(&is_found, __ATOMIC_ACQUIRE))
		return;
	int before = errno;
	WATCHED_CALLS(WATCHED_LOOK_UP)
	errno = before;
	/* Release: the functions before. */
	__atomic_store_n(&is_found, 1, __ATOMIC_RELEASE);
}
