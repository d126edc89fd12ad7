/* Random calls on POSIX shared memory objects by several processes, and all that can be seen of the
 * objects after each.
 *
 *   objects STEPS SEED */
#include "posix.h"

enum { SLOTS = 4, PAGE = 4096 };

enum step {
	OPEN, CLOSE, UNLINK, RESIZE, MAP, UNMAP, STORE, LOAD, OWN, DUPLICATE, BECOME, LOOK,
};

enum argument {
	SLOT = 0,
	NAME = 2, FLAGS = 3, MODE = 4, UMASK = 5,             /* shm_open, shm_unlink */
	LENGTH = 2, HOW = 3, VALUE = 4,
	USED_ARGUMENTS = 6,
};

/* What the worker has open, and what it has mapped of it. */
static struct {
	int file;
	char *memory;
	size_t length;
	bool can_write;
} slots[SLOTS];

__attribute__((constructor)) static void begin_without(void)
{
	for (int i = 0; i < SLOTS; i++)
		slots[i].file = -1;
}

/* A step uses the first slot from there on that has one. */
static long used_slot(const long *argument)
{
	for (int i = 0; i < SLOTS; i++)
		if (slots[(argument[SLOT] + i) % SLOTS].file != -1)
			return (argument[SLOT] + i) % SLOTS;
	return argument[SLOT];
}

static void unmap(long slot)
{
	if (slots[slot].memory)
		MUST(munmap(slots[slot].memory, slots[slot].length) == 0);
	slots[slot].memory = NULL;
}

static long open_object(const long *argument, struct reply *reply)
{
	long slot = argument[SLOT];
	mode_t before = umask((mode_t)argument[UMASK]);
	int file = shm_open(name_of(argument[NAME]), (int)argument[FLAGS], (mode_t)argument[MODE]);
	int error = errno;
	umask(before);
	if (file != -1) {
		unmap(slot);
		if (slots[slot].file != -1)
			close(slots[slot].file);
		slots[slot].file = file;
		say(reply, " flags %#x, %d", fcntl(file, F_GETFL), fcntl(file, F_GETFD));
	}
	errno = error;
	return file == -1 ? -1 : 0;
}

static long map(const long *argument)
{
	long slot = used_slot(argument);
	int access = argument[HOW] ? PROT_READ | PROT_WRITE : PROT_READ;
	size_t length = (size_t)argument[LENGTH];
	char *memory = mmap(NULL, length, access, MAP_SHARED, slots[slot].file, 0);
	if (memory == MAP_FAILED)
		return -1;
	unmap(slot);
	slots[slot].memory = memory;
	slots[slot].length = length;
	slots[slot].can_write = argument[HOW];
	return 0;
}

/* Where the memory has a byte, and the object has a page behind it. */
static char *byte_of(const long *argument, bool writes)
{
	struct stat status;
	long slot = used_slot(argument);
	if (!slots[slot].memory || (writes && !slots[slot].can_write) ||
	    argument[LENGTH] >= (long)slots[slot].length)
		return NULL;
	if (fstat(slots[slot].file, &status) != 0 || status.st_size <= argument[LENGTH])
		return NULL;
	return &slots[slot].memory[argument[LENGTH]];
}

static long store(const long *argument)
{
	char byte = (char)argument[VALUE];
	long slot = used_slot(argument);
	if (argument[HOW])
		return pwrite(slots[slot].file, &byte, 1, argument[LENGTH]);
	char *at = byte_of(argument, true);
	if (at)
		*at = byte;
	return at ? 0 : -2;
}

static long load(const long *argument)
{
	char byte = 0;
	long slot = used_slot(argument);
	if (argument[HOW]) {
		long got = pread(slots[slot].file, &byte, 1, argument[LENGTH]);
		return got == 1 ? 1000 + byte : got;
	}
	char *at = byte_of(argument, false);
	return at ? *at : -2;
}

static void look(struct reply *reply)
{
	struct stat status;
	for (int slot = 0; slot < SLOTS; slot++)
		if (slots[slot].file != -1 && fstat(slots[slot].file, &status) == 0)
			say(reply, " [%d: %o %u:%u, %ld bytes in %ld blocks, %d names]", slot,
			    status.st_mode, status.st_uid, status.st_gid, (long)status.st_size,
			    (long)status.st_blocks, (int)status.st_nlink);
	for (int name = 0; name < NAMES; name++) {
		char path[80];
		snprintf(path, sizeof path, "/dev/shm%s", name_of(name));
		if (stat(path, &status) == 0)
			say(reply, " /%d: %ld bytes", name, (long)status.st_size);
	}
}

static long make(const struct request *request, struct reply *reply)
{
	const long *argument = request->argument;
	long slot = used_slot(argument);
	int *file = &slots[slot].file, other;
	switch ((enum step)request->step) {
	case OPEN:
		return open_object(argument, reply);
	case CLOSE:
		unmap(slot);
		other = *file;
		*file = -1;
		return close(other);
	case UNLINK:
		return shm_unlink(name_of(argument[NAME]));
	case RESIZE:
		/* What is mapped beyond the end is not touched any more. */
		return ftruncate(*file, argument[LENGTH]);
	case MAP:
		return map(argument);
	case UNMAP:
		unmap(slot);
		return 0;
	case STORE:
		return store(argument);
	case LOAD:
		return load(argument);
	case OWN:
		if (argument[HOW])
			return fchown(*file, (uid_t)argument[VALUE], (gid_t)argument[VALUE]);
		return fchmod(*file, (mode_t)argument[LENGTH]);
	case DUPLICATE:
		other = dup(*file);
		if (other == -1)
			return -1;
		close(*file);
		*file = other;
		return fcntl(other, F_GETFD);
	case BECOME:
		return become((uid_t)argument[VALUE]);
	case LOOK:
		look(reply);
		break;
	}
	return 0;
}

static void perform(const struct request *request, struct reply *reply)
{
	perform_here_or_in_child(request, reply);
}

static struct request some_step(void)
{
	static const enum step often[] = { OPEN, OPEN, RESIZE, MAP, STORE, STORE, LOAD, LOAD };
	static const enum step seldom[] = {
		CLOSE, UNLINK, UNLINK, UNMAP, OWN, DUPLICATE, BECOME,
	};
	struct request request = { 0 };
	long *argument = request.argument;
	request.step = (int)(below(3) ? often[below(sizeof often / sizeof *often)]
				      : seldom[below(sizeof seldom / sizeof *seldom)]);
	argument[SLOT] = below(SLOTS);
	argument[IN_CHILD] = below(8) == 0;
	argument[LENGTH] = ONE_OF(0, 1, 100, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE);
	argument[HOW] = below(2);
	argument[VALUE] = 1 + (long)below(100);
	switch (request.step) {
	case OPEN:
		argument[FLAGS] = ONE_OF(O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_ACCMODE) |
				  ONE_OF(0, O_CREAT, O_CREAT, O_CREAT | O_EXCL, O_EXCL);
		if (below(6) == 0)
			argument[FLAGS] |= ONE_OF(O_TRUNC, O_APPEND, O_CLOEXEC, O_NONBLOCK,
						  O_DIRECTORY, O_NOFOLLOW, O_PATH, O_TMPFILE);
		argument[MODE] = some_mode();
		argument[UMASK] = ONE_OF(0, 022, 077, 0777);
		argument[NAME] = some_name();
		break;
	case UNLINK:
		argument[NAME] = some_name();
		break;
	case RESIZE:
		if (below(20) == 0)
			argument[LENGTH] = -1;
		break;
	case OWN:
		argument[LENGTH] = some_mode();
		argument[VALUE] = ONE_OF(0, NOBODY, -1);
		break;
	case BECOME:
		argument[VALUE] = ONE_OF(0, 0, NOBODY);
		break;
	}
	return request;
}

static void one_step(void)
{
	int number = (int)below(WORKERS);
	struct request request = some_step();
	struct reply reply;
	if (number > 0 && below(40) == 0) {
		printf(" kill %d\n", number);
		kill_worker(number);
	} else {
		make_step(number, &request, false, &reply);
	}
}

static void remove_object(const char *name)
{
	shm_unlink(name);
}

static const char *const step_names[] = {
	"open", "close", "unlink", "resize", "map", "unmap", "store", "load", "own", "duplicate",
	"become", "look",
};

static const struct family family = {
	.steps = step_names,
	.look = LOOK,
	.shown = USED_ARGUMENTS,
	.one_step = one_step,
	.remove = remove_object,
};

int main(int argc, char **argv)
{
	MUST(argc == 3);
	return run_steps(atol(argv[1]), (uint64_t)atol(argv[2]));
}
