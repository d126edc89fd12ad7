/* Random calls on System V shared memory by several processes, and all that can be seen of the
 * segments after each.
 *
 *   segments STEPS SEED */
#include "sysv.h"

#include <sys/shm.h>

enum { PAGE = 4096, PLACES = 4 };

#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif

enum step {
	GET, ATTACH, DETACH, WRITE, READ, SET, LOCK, UNLOCK, REMOVE, FORK, EXIT_FORK, UNMAP,
	LOOK, BECOME,
};

/* Argument 0 is the id, or the key. */
enum argument {
	ID, PLACE = 1, FLAG = 2, ADDRESS = 3,             /* shmat, shmdt, and accesses */
	OFFSET = 2, VALUE = 3,
	MODE = 1, USER = 2,                               /* shmctl */
	KEY = 0, SIZE = 1, FLAGS = 2,                     /* shmget */
	USED_ARGUMENTS = 4,
};

/* What the worker has attached. */
static char *places[PLACES];
static size_t sizes[PLACES];
static bool can_write[PLACES];

/* An address of which nothing else is near. */
static char *free_address(void)
{
	return (char *)0x200000000000;
}

static long attach(const long *argument, struct reply *reply)
{
	char *const addresses[] = { NULL, free_address(), free_address() + 1, free_address() + PAGE,
				    (char *)places };
	struct shmid_ds status;
	char *at = shmat((int)argument[ID], addresses[argument[ADDRESS]], (int)argument[FLAG]);
	if (at == (char *)-1)
		return -1;
	if (argument[ADDRESS] != 0)
		say(reply, " at %ld", (long)(at - free_address()));
	places[argument[PLACE]] = at;
	can_write[argument[PLACE]] = !(argument[FLAG] & SHM_RDONLY);
	sizes[argument[PLACE]] = 0;
	uid_t user = geteuid();
	MUST(seteuid(0) == 0);
	if (shmctl((int)argument[ID], IPC_STAT, &status) == 0)
		sizes[argument[PLACE]] = (status.shm_segsz + PAGE - 1) / PAGE * PAGE;
	MUST(seteuid(user) == 0);
	return 0;
}

static long detach(const long *argument)
{
	char *at = places[argument[PLACE]];
	if (argument[FLAG])
		return shmdt(at + argument[FLAG]);
	long result = shmdt(at);
	if (result == 0)
		places[argument[PLACE]] = NULL;
	return result;
}

/* A child that has what the worker has. */
static long have_child(const long *argument, struct reply *reply)
{
	int pipes[2];
	MUST(pipe(pipes) == 0);
	pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		char byte;
		close(pipes[1]);
		if (argument[PLACE] && places[0])
			shmdt(places[0]);
		MUST(read(pipes[0], &byte, 1) <= 0);
		_exit(0);
	}
	has_begun(child);
	close(pipes[0]);
	struct shmid_ds status;
	/* The library counts the processes that the caller may inspect. */
	if (geteuid() == 0 && shmctl((int)argument[ID], IPC_STAT, &status) == 0 && !argument[PLACE])
		say(reply, " attached %lu", (unsigned long)status.shm_nattch);
	close(pipes[1]);
	MUST(waitpid(child, NULL, 0) == child);
	return 0;
}

static long look(int id, struct reply *reply)
{
	struct shmid_ds status;
	if (shmctl(id, IPC_STAT, &status) != 0)
		return -1;
	say_permission(reply, &status.shm_perm);
	say(reply, " key %d: %zu bytes, attached %lu, by %d%s",
	    number_of_key(status.shm_perm.__key), status.shm_segsz,
	    (unsigned long)status.shm_nattch, process_number(status.shm_cpid),
	    status.shm_atime ? " attached once" : "");
	return 0;
}

static void perform(const struct request *request, struct reply *reply)
{
	const long *argument = request->argument;
	int id = (int)argument[ID];
	unsigned place = (unsigned)argument[PLACE] % PLACES;
	struct shmid_ds status;
	memset(&status, 0, sizeof status);
	status.shm_perm.mode = (unsigned short)argument[MODE];
	status.shm_perm.uid = status.shm_perm.gid = (uid_t)argument[USER];
	switch ((enum step)request->step) {
	case GET:
		reply->result = shmget((key_t)argument[KEY], (size_t)argument[SIZE],
				       (int)argument[FLAGS]);
		break;
	case ATTACH:
		reply->result = attach(argument, reply);
		break;
	case DETACH:
		reply->result = detach(argument);
		break;
	case WRITE:
		if (places[place] && can_write[place] && argument[OFFSET] < (long)sizes[place])
			places[place][argument[OFFSET]] = (char)argument[VALUE];
		break;
	case READ:
		if (places[place] && argument[OFFSET] < (long)sizes[place])
			reply->result = places[place][argument[OFFSET]];
		break;
	case SET:
		reply->result = shmctl(id, IPC_SET, &status);
		break;
	case LOCK:
		reply->result = shmctl(id, SHM_LOCK, NULL);
		break;
	case UNLOCK:
		reply->result = shmctl(id, SHM_UNLOCK, NULL);
		break;
	case REMOVE:
		reply->result = shmctl(id, IPC_RMID, NULL);
		break;
	case FORK:
		reply->result = have_child(argument, reply);
		break;
	case EXIT_FORK:
		reply->result = have_child((const long[]){ id, 1 }, reply);
		break;
	case UNMAP:
		if (places[place] && sizes[place])
			reply->result = munmap(places[place], sizes[place]);
		places[place] = NULL;
		break;
	case LOOK:
		reply->result = look(id, reply);
		break;
	case BECOME:
		reply->result = become((uid_t)argument[USER]);
		break;
	}
	reply->error = errno;
}

/* This worker becomes another user at times. It asks for no more than there is: the library does
 * not know the size of a segment that the user cannot open at all (EACCES, not EINVAL). */
enum { CHANGING = WORKERS - 1 };

static struct request some_step(int number)
{
	static const enum step often[] = { ATTACH, ATTACH, DETACH, WRITE, READ, FORK, EXIT_FORK };
	static const enum step seldom[] = { SET, LOCK, UNLOCK, REMOVE, BECOME, GET, GET, UNMAP };
	struct request request = { 0 };
	request.step = (int)(below(4) ? often[below(sizeof often / sizeof *often)]
				      : seldom[below(sizeof seldom / sizeof *seldom)]);
	long *argument = request.argument;
	argument[ID] = some_object();
	if (object_count == 0)
		request.step = GET;
	argument[PLACE] = below(PLACES);
	switch (request.step) {
	case GET:
		argument[KEY] = key_of(below(KEYS + 1));
		argument[SIZE] = number == CHANGING
					 ? 1
					 : ONE_OF(100, PAGE, PAGE, PAGE + 1, 3 * PAGE, 0, 1, -1);
		argument[FLAGS] = ONE_OF(0, IPC_CREAT, IPC_CREAT, IPC_CREAT | IPC_EXCL, IPC_EXCL) |
				  some_mode();
		break;
	case ATTACH:
		argument[ADDRESS] = below(3) ? 0 : (long)below(5);
		argument[FLAG] = ONE_OF(0, 0, SHM_RDONLY, SHM_RND, SHM_RND | SHM_RDONLY, SHM_EXEC);
		break;
	case DETACH:
		argument[FLAG] = below(6) ? 0 : 1;
		break;
	case WRITE:
	case READ:
		argument[OFFSET] = ONE_OF(0, 1, 99, 4000, PAGE, PAGE + 1, 3 * PAGE - 1);
		argument[VALUE] = 1 + (long)below(100);
		break;
	case SET:
		argument[MODE] = some_mode();
		argument[USER] = ONE_OF(0, 0, 0, NOBODY, -1);
		break;
	case BECOME:
		argument[USER] = ONE_OF(0, 0, NOBODY);
		break;
	}
	return request;
}

static void one_step(void)
{
	int number = (int)below(WORKERS);
	if (number > 0 && below(20) == 0) {
		printf(" kill %d\n", number);
		kill_worker(number);
	} else {
		struct request request = some_step(number);
		struct reply reply;
		/* The first worker only looks: one that has detached a removed segment does not
		 * find it any more. */
		if ((number == 0 && request.step == ATTACH) ||
		    (number != CHANGING && request.step == BECOME))
			return;
		MUST(make_step(number, &request, false, &reply));
		/* A process that has not used it before does not find it any more. */
		if (request.step == REMOVE && reply.result == 0)
			forget_object((int)request.argument[ID]);
	}
}

static void remove_object(int id)
{
	shmctl(id, IPC_RMID, NULL);
}

static const char *const step_names[] = {
	"get", "attach", "detach", "write", "read", "set", "lock", "unlock", "remove", "fork",
	"fork and detach", "unmap", "look", "become",
};

static const struct family family = {
	.kind = "segment",
	.steps = step_names,
	.get = GET,
	.look = LOOK,
	.shown = USED_ARGUMENTS,
	.one_step = one_step,
	.remove = remove_object,
};
