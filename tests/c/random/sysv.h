/* What the programs for System V objects share: ids and keys by number. */
#ifndef RANDOM_SYSV_H
#define RANDOM_SYSV_H

#include "workers.h"

#include <sys/ipc.h>

enum { KEYS = 3, OBJECTS = 256, NOBODY = 65534 };

/* The ids that were made, in this order. Also those of objects that are gone. */
static int objects[OBJECTS];
static int object_count;
static bool is_forgotten[OBJECTS];
/* Whether a process has died since the object was made. */
static bool has_seen_death[OBJECTS];

static pid_t first_process;

__attribute__((constructor)) static void note_first_process(void)
{
	first_process = getpid();
}

/* A key of this run alone. IPC_PRIVATE for the number KEYS. */
static key_t key_of(unsigned number)
{
	unsigned run = (unsigned)first_process & 0xfffff;
	return number < KEYS ? (key_t)(0x41000000 | run << 4 | number) : IPC_PRIVATE;
}

__attribute__((unused)) static int number_of_key(key_t key)
{
	for (int i = 0; i < KEYS; i++)
		if (key_of((unsigned)i) == key)
			return i;
	return key == IPC_PRIVATE ? KEYS : -1;
}

/* The number of an object, which is new if it was not known. */
static int object_number(int id)
{
	for (int i = 0; i < object_count; i++)
		if (objects[i] == id)
			return i;
	MUST(object_count < OBJECTS);
	objects[object_count] = id;
	return object_count++;
}

/* Mostly one of the last. */
static int some_object(void)
{
	if (object_count == 0 || below(60) == 0)
		return (int)ONE_OF(-1, 0x7fffffff);
	unsigned recent = (unsigned)object_count < 3 ? (unsigned)object_count : 3;
	unsigned back = below(30) == 0 ? below((unsigned)object_count) : below(recent);
	int number = object_count - 1 - (int)back;
	return is_forgotten[number] ? -1 : objects[number];
}

/* No step has to do with it any more. */
__attribute__((unused)) static void forget_object(int id)
{
	is_forgotten[object_number(id)] = true;
}

static long some_mode(void)
{
	return ONE_OF(0600, 0666, 0600, 0400, 0200, 0000, 0066, 0604);
}

/* Prints it with the object's number in the place of its id. */
static void print_made(const char *how, int number, const struct reply *reply)
{
	struct reply named = *reply;
	if (named.result >= 0)
		named.result = object_number((int)named.result);
	print_reply(how, number, &named);
}

static void say_permission(struct reply *reply, const struct ipc_perm *permission)
{
	say(reply, " mode %o of %u:%u by %u:%u", permission->mode, permission->uid,
	    permission->gid, permission->cuid, permission->cgid);
}

/* Each program says what its objects are. */
struct family {
	const char *kind;
	const char *const *steps;      /* their names, by number */
	int get, look, shown;          /* steps; arguments that are shown */
	void (*one_step)(void);
	void (*remove)(int id);
};

static const struct family family;

static void print_step(int number, const struct request *request)
{
	const long *argument = request->argument;
	printf(" %d %s:", number, family.steps[request->step]);
	if (request->step == family.get)
		printf(" key %d", number_of_key((key_t)argument[0]));
	else
		printf(" %s %d", family.kind, object_number((int)argument[0]));
	for (int i = 1; i < family.shown; i++)
		printf(" %ld", argument[i]);
	printf("\n");
}

/* Lets an idle worker make the step, and prints what comes of it. */
static bool make_step(int number, const struct request *request, bool may_sleep,
		      struct reply *reply)
{
	print_step(number, request);
	bool done = tell(number, request, may_sleep ? LOOKS : PATIENT, reply);
	if (!done)
		printf("  %d: sleeps\n", number);
	else if (request->step == family.get)
		print_made("", number, reply);
	else
		print_reply("", number, reply);
	return done;
}

/* All that the first worker, which never sleeps, can see. */
static void look_at_all(void)
{
	for (int i = 0; i < object_count; i++) {
		struct request request = { .step = family.look,
					   .argument = { objects[i], has_seen_death[i] } };
		struct reply reply;
		if (tell(0, &request, PATIENT, &reply) && reply.result == 0)
			printf("    %s %d%s\n", family.kind, i, reply.text);
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	start_workers((uint64_t)atol(argv[2]));
	for (long i = 0; i < atol(argv[1]); i++) {
		printf("%ld\n", i);
		family.one_step();
		settle();
		look_at_all();
	}
	for (int i = 0; i < object_count; i++)
		family.remove(objects[i]);
	stop_workers();
	return 0;
}

/* The worker goes on as this user. The parent's keys and the saved user stay. */
static long become(uid_t user)
{
	if (seteuid(0) != 0 || setegid(user) != 0)
		return -1;
	return seteuid(user);
}

#endif
