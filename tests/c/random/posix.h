/* What the programs for POSIX objects share: names by number, and the loop of steps. */
#ifndef RANDOM_POSIX_H
#define RANDOM_POSIX_H

#include "workers.h"

#include <sys/stat.h>

enum { NAMES = 3, NOBODY = 65534, LONGEST_NAME = 255 };

/* The process that began the workers: it is part of all names. */
static pid_t first_process;

__attribute__((constructor)) static void note_first_process(void)
{
	first_process = getpid();
}

/* Names that are refused, differently by the families. */
static const char *const malformed[] = {
	"", "/", "/a/b", "/rsipc-none/",
};

enum { MALFORMED = sizeof malformed / sizeof *malformed };

/* The n-th name of this run; from NAMES on, a malformed one. */
static const char *name_of(long number)
{
	static char name[64];
	if (number >= NAMES)
		return malformed[number - NAMES];
	snprintf(name, sizeof name, "/rsipc-random-%d-%ld", (int)first_process, number);
	return name;
}

static long some_name(void)
{
	return below(25) ? (long)below(NAMES) : NAMES + (long)below(MALFORMED);
}

static long some_mode(void)
{
	return ONE_OF(0600, 0666, 0600, 0400, 0200, 0000, 0066, 0604, 0777, 0644);
}

static const struct timespec deadlines[] = {
	{ 0, 0 }, { 1, 0 }, { 1, -1 }, { 1, 1000000000 }, { -1, 0 }, { 1L << 33, -1 },
	{ 1L << 33, 0 }, { 1L << 33, 999999999 },
};

/* Deadlines by number; NO_DEADLINE is none at all. The first one that is far is FAR. */
enum { NO_DEADLINE = -1, PAST = 0, FAR = 6, DEADLINES = 8 };

__attribute__((unused)) static bool is_for_ever(long deadline)
{
	return deadline == NO_DEADLINE || deadline >= FAR;
}

__attribute__((unused)) static long some_deadline(bool may_sleep)
{
	if (!may_sleep)
		return below(3) ? PAST : (long)below(FAR);
	return below(3) ? NO_DEADLINE : (long)below(DEADLINES);
}

__attribute__((unused)) static const struct timespec *deadline_of(long number)
{
	return number == NO_DEADLINE ? NULL : &deadlines[number];
}

/* Now and then kills a worker, or interrupts one that sleeps. False: it is to be told a step. */
__attribute__((unused)) static bool is_disturbed(int number)
{
	if (number > 0 && below(40) == 0) {
		printf(" kill %d\n", number);
		kill_worker(number);
		return true;
	}
	if (!workers[number].is_busy)
		return false;
	if (below(3) == 0) {
		printf(" interrupt %d\n", number);
		interrupt_worker(number, below(2) ? SIGUSR1 : SIGUSR2);
	}
	return true;
}

/* Each program says what its objects are. */
struct family {
	const char *const *steps;      /* their names, by number */
	int look;                      /* the step that shows all that a worker has */
	int shown;                     /* arguments that are shown */
	void (*one_step)(void);
	void (*remove)(const char *name);
};

static const struct family family;

/* Lets an idle worker make the step, and prints what comes of it. */
static bool make_step(int number, const struct request *request, bool may_sleep,
		      struct reply *reply)
{
	printf(" %d %s:", number, family.steps[request->step]);
	for (int i = 0; i < family.shown; i++)
		printf(" %ld", request->argument[i]);
	printf("\n");
	bool done = tell(number, request, may_sleep ? LOOKS : PATIENT, reply);
	if (done)
		print_reply("", number, reply);
	else
		printf("  %d: sleeps\n", number);
	return done;
}

/* All that the workers that do not sleep can see. */
static void look_at_all(void)
{
	for (int i = 0; i < WORKERS; i++) {
		struct request request = { .step = family.look, .argument = { i } };
		struct reply reply;
		if (!workers[i].is_busy && tell(i, &request, PATIENT, &reply))
			printf("    %d:%s\n", i, reply.text);
	}
}

/* What a worker does in a step. */
static long make(const struct request *request, struct reply *reply);

/* Each step may be made by a child that has what the worker has: this argument says so. */
enum { IN_CHILD = 1 };

static void perform_here_or_in_child(const struct request *request, struct reply *reply)
{
	if (!request->argument[IN_CHILD]) {
		reply->result = make(request, reply);
		reply->error = errno;
		return;
	}
	struct reply *of_child = shared_memory(sizeof *of_child);
	pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		of_child->result = make(request, of_child);
		of_child->error = errno;
		_exit(0);
	}
	has_begun(child);
	/* What it sends may come with a signal. */
	while (waitpid(child, NULL, 0) != child)
		MUST(errno == EINTR);
	*reply = *of_child;
	munmap(of_child, sizeof *of_child);
}

static int run_steps(long steps, uint64_t seed)
{
	start_workers(seed);
	for (long i = 0; i < steps; i++) {
		printf("%ld\n", i);
		family.one_step();
		settle();
		look_at_all();
	}
	stop_workers();
	for (int i = 0; i < NAMES; i++)
		family.remove(name_of(i));
	return 0;
}

/* The worker goes on as this user. The saved user stays. */
static long become(uid_t user)
{
	if (seteuid(0) != 0 || setegid(user) != 0)
		return -1;
	return seteuid(user);
}

#endif
