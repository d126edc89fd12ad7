/* Random calls on POSIX semaphores by several processes, and all that can be seen of the semaphores
 * after each.
 *
 *   semaphores STEPS SEED */
#include "posix.h"

#include <limits.h>
#include <semaphore.h>

#ifndef SEM_VALUE_MAX
#define SEM_VALUE_MAX INT_MAX
#endif

/* A worker has named semaphores in slots; those in memory have the numbers from SLOTS on. */
enum { SLOTS = 4, IN_MEMORY = 2, ALL = SLOTS + IN_MEMORY };

enum step {
	OPEN, CLOSE, UNLINK, WAIT, TRY, POST, READ, INIT, DESTROY, BECOME, LOOK,
};

enum argument {
	SLOT = 0,
	NAME = 2, FLAGS = 3, MODE = 4, VALUE = 5, UMASK = 6,    /* sem_open, sem_init */
	DEADLINE = 2, CLOCK = 3,                                /* waits */
	USED_ARGUMENTS = 7,
};

static sem_t *slots[SLOTS];
static sem_t *memory;

/* A step uses the first slot from there on that has one. */
static sem_t **slot_of(const long *argument)
{
	static sem_t *of_memory;
	long slot = argument[SLOT];
	for (int i = 0; i < SLOTS && slot < SLOTS; i++)
		if (slots[(slot + i) % SLOTS])
			return &slots[(slot + i) % SLOTS];
	of_memory = &memory[slot % IN_MEMORY];
	return &of_memory;
}

static bool is_named(sem_t *semaphore)
{
	return semaphore < memory || semaphore >= memory + IN_MEMORY;
}

static long open_semaphore(const long *argument, struct reply *reply)
{
	sem_t **slot = &slots[argument[SLOT] % SLOTS];
	mode_t before = umask((mode_t)argument[UMASK]);
	sem_t *semaphore = sem_open(name_of(argument[NAME]), (int)argument[FLAGS],
				    (mode_t)argument[MODE], (unsigned)argument[VALUE]);
	int error = errno;
	umask(before);
	if (semaphore != SEM_FAILED) {
		for (int i = 0; i < SLOTS; i++)
			if (slots[i] == semaphore)
				say(reply, " as in %d", i);
		if (*slot)
			sem_close(*slot);
		*slot = semaphore;
	}
	errno = error;
	return semaphore == SEM_FAILED ? -1 : 0;
}

static long close_semaphore(const long *argument)
{
	sem_t **slot = slot_of(argument);
	long result = sem_close(*slot);
	if (result == 0)
		*slot = NULL;
	return result;
}

static long wait_for(const long *argument)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, 77 };
	const struct timespec *deadline = deadline_of(argument[DEADLINE]);
	sem_t *semaphore = *slot_of(argument);
	if (!deadline)
		return sem_wait(semaphore);
	if (argument[CLOCK] < 0)
		return sem_timedwait(semaphore, deadline);
	return sem_clockwait(semaphore, clocks[argument[CLOCK]], deadline);
}

static void look(struct reply *reply)
{
	for (int slot = 0; slot < SLOTS; slot++) {
		int value = -1;
		if (!slots[slot])
			continue;
		MUST(sem_getvalue(slots[slot], &value) == 0);
		say(reply, " [%d: %d]", slot, value);
	}
	for (int i = 0; i < IN_MEMORY; i++) {
		int value = -1;
		MUST(sem_getvalue(&memory[i], &value) == 0);
		say(reply, " %d", value);
	}
	for (int name = 0; name < NAMES; name++) {
		char path[80];
		struct stat status;
		snprintf(path, sizeof path, "/dev/shm/sem.%s", name_of(name) + 1);
		if (stat(path, &status) == 0)
			say(reply, " /%d: %o %u:%u, %ld bytes", name, status.st_mode, status.st_uid,
			    status.st_gid, (long)status.st_size);
	}
}

static long make(const struct request *request, struct reply *reply)
{
	const long *argument = request->argument;
	int value = -77;
	long result;
	switch ((enum step)request->step) {
	case OPEN:
		return open_semaphore(argument, reply);
	case CLOSE:
		return close_semaphore(argument);
	case UNLINK:
		return sem_unlink(name_of(argument[NAME]));
	case WAIT:
		return wait_for(argument);
	case TRY:
		return sem_trywait(*slot_of(argument));
	case POST:
		return sem_post(*slot_of(argument));
	case READ:
		result = sem_getvalue(*slot_of(argument), &value);
		say(reply, " %d", value);
		return result;
	case INIT:
		return sem_init(&memory[argument[SLOT] % IN_MEMORY], 1, (unsigned)argument[VALUE]);
	case DESTROY:
		/* Only closing makes sense for a named one. */
		return is_named(*slot_of(argument)) ? 0 : sem_destroy(*slot_of(argument));
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

static void some_open(long *argument)
{
	/* Other flags, and other spellings of a name, are better than in glibc. */
	argument[NAME] = some_name();
	argument[FLAGS] = ONE_OF(0, O_CREAT, O_CREAT, O_CREAT, O_CREAT | O_EXCL, O_EXCL);
	argument[MODE] = some_mode();
	argument[UMASK] = ONE_OF(0, 022, 077, 0777);
	argument[VALUE] = below(6) ? (long)below(3)
				   : ONE_OF(SEM_VALUE_MAX - 1, SEM_VALUE_MAX, 1L << 31, -1);
}

/* Where a worker sleeps, or has slept when it was killed, a semaphore is not made anew. */
static bool has_slept;

static struct request some_step(int number)
{
	static const enum step often[] = { WAIT, WAIT, WAIT, POST, POST, POST, TRY, OPEN };
	static const enum step seldom[] = {
		OPEN, CLOSE, UNLINK, READ, INIT, DESTROY, BECOME,
	};
	struct request request = { 0 };
	long *argument = request.argument;
	request.step = (int)(below(3) ? often[below(sizeof often / sizeof *often)]
				      : seldom[below(sizeof seldom / sizeof *seldom)]);
	argument[SLOT] = below(ALL);
	argument[IN_CHILD] = below(8) == 0;
	switch (request.step) {
	case OPEN:
		some_open(argument);
		break;
	case UNLINK:
		argument[NAME] = some_name();
		break;
	case WAIT:
		argument[DEADLINE] = some_deadline(number > 0 && !argument[IN_CHILD]);
		argument[CLOCK] = below(3) ? ONE_OF(-1, 0, 1) : ONE_OF(2, 3);
		break;
	case INIT:
		argument[VALUE] = below(4) ? (long)below(3)
					   : ONE_OF(SEM_VALUE_MAX - 1, SEM_VALUE_MAX, 1L << 31, -1);
		if (has_slept)
			request.step = READ;
		break;
	case DESTROY:
		if (has_slept)
			request.step = READ;
		break;
	case BECOME:
		argument[VALUE] = ONE_OF(0, 0, NOBODY);
		break;
	}
	return request;
}

static bool may_sleep(const struct request *request)
{
	return request->step == WAIT && is_for_ever(request->argument[DEADLINE]);
}

static void one_step(void)
{
	int number = (int)below(WORKERS);
	if (is_disturbed(number))
		return;
	struct request request = some_step(number);
	struct reply reply;
	has_slept |= !make_step(number, &request, may_sleep(&request), &reply);
}

static void remove_semaphore(const char *name)
{
	sem_unlink(name);
}

static const char *const step_names[] = {
	"open", "close", "unlink", "wait", "try", "post", "read", "init", "destroy", "become",
	"look",
};

static const struct family family = {
	.steps = step_names,
	.look = LOOK,
	.shown = USED_ARGUMENTS,
	.one_step = one_step,
	.remove = remove_semaphore,
};

int main(int argc, char **argv)
{
	MUST(argc == 3);
	memory = shared_memory(IN_MEMORY * sizeof *memory);
	for (int i = 0; i < IN_MEMORY; i++)
		MUST(sem_init(&memory[i], 1, 0) == 0);
	return run_steps(atol(argv[1]), (uint64_t)atol(argv[2]));
}
