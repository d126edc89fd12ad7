/* Random calls on System V semaphores by several processes, and all that can be seen of the sets
 * after each.
 *
 *   sets STEPS SEED */
#include "sysv.h"

#include <sys/sem.h>

enum { MEMBERS = 3, OPERATIONS = 4 };

enum step {
	GET, OPERATE, OPERATE_IN_CHILD, SET_VALUE, SET_ALL, READ, SET_PERMISSION, REMOVE,
	LOOK, BECOME,
};

/* Argument 0 is the id. */
enum argument {
	ID, MEMBER = 1, VALUE = 2, COMMAND = 3, USER = 3,  /* semctl */
	KEY = 0, COUNT = 1, FLAGS = 2,                     /* semget */
	TIME = 1, LENGTH = 2, FIRST = 3,                   /* semop: three numbers for each one */
	HAS_SEEN_DEATH = 1,
};

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static const struct timespec times[] = {
	{ 0, 0 }, { 0, -1 }, { 0, 1000000000 }, { -1, 0 }, { 1000, 0 },
};

static long operate(const struct request *request)
{
	struct sembuf operations[OPERATIONS];
	const long *argument = request->argument;
	for (int i = 0; i < argument[LENGTH]; i++)
		operations[i] = (struct sembuf){
			.sem_num = (unsigned short)argument[FIRST + 3 * i],
			.sem_op = (short)argument[FIRST + 3 * i + 1],
			.sem_flg = (short)argument[FIRST + 3 * i + 2],
		};
	size_t length = (size_t)argument[LENGTH];
	if (argument[TIME] < 0)
		return semop((int)argument[ID], operations, length);
	return semtimedop((int)argument[ID], operations, length, &times[argument[TIME]]);
}

/* What it has with SEM_UNDO goes with it. */
static long operate_in_child(const struct request *request)
{
	pid_t child = fork();
	MUST(child >= 0);
	if (child == 0)
		_exit(operate(request) == 0 ? 0 : errno);
	has_begun(child);
	int status;
	MUST(waitpid(child, &status, 0) == child && WIFEXITED(status));
	errno = WEXITSTATUS(status);
	return errno == 0 ? 0 : -1;
}

static long read_values(const struct request *request, struct reply *reply)
{
	int id = (int)request->argument[ID], command = (int)request->argument[COMMAND];
	unsigned short values[MEMBERS + 1] = { 0 };
	if (command == GETALL) {
		long result = semctl(id, 0, GETALL, (union semun){ .array = values });
		say(reply, " %u %u %u", values[0], values[1], values[2]);
		return result;
	}
	long result = semctl(id, (int)request->argument[MEMBER], command);
	return command == GETPID && result >= 0 ? process_number((pid_t)result) : result;
}

static long look(const struct request *request, struct reply *reply)
{
	int id = (int)request->argument[ID];
	struct semid_ds status;
	if (semctl(id, 0, IPC_STAT, (union semun){ .buf = &status }) != 0)
		return -1;
	say_permission(reply, &status.sem_perm);
	say(reply, " key %d:", number_of_key(status.sem_perm.__key));
	if (!request->argument[HAS_SEEN_DEATH] && status.sem_otime)
		say(reply, " used,");
	for (int i = 0; i < (int)status.sem_nsems; i++)
		say(reply, " %d(%d n%d z%d)", semctl(id, i, GETVAL),
		    process_number(semctl(id, i, GETPID)), semctl(id, i, GETNCNT),
		    semctl(id, i, GETZCNT));
	return 0;
}

static void perform(const struct request *request, struct reply *reply)
{
	const long *argument = request->argument;
	int id = (int)argument[ID];
	struct semid_ds status = { .sem_perm = { .mode = (unsigned short)argument[VALUE],
						 .uid = (uid_t)argument[USER],
						 .gid = (gid_t)argument[USER] } };
	/* A set has one more at times. */
	unsigned short values[MEMBERS + 1] = { 0 };
	for (int i = 0; i < MEMBERS; i++)
		values[i] = (unsigned short)argument[VALUE + i];
	switch ((enum step)request->step) {
	case GET:
		reply->result = semget((key_t)argument[KEY], (int)argument[COUNT],
				       (int)argument[FLAGS]);
		break;
	case OPERATE:
		reply->result = operate(request);
		break;
	case OPERATE_IN_CHILD:
		reply->result = operate_in_child(request);
		break;
	case SET_VALUE:
		reply->result = semctl(id, (int)argument[MEMBER], SETVAL,
				       (union semun){ .val = (int)argument[VALUE] });
		break;
	case SET_ALL:
		reply->result = semctl(id, 0, SETALL, (union semun){ .array = values });
		break;
	case READ:
		reply->result = read_values(request, reply);
		break;
	case SET_PERMISSION:
		reply->result = semctl(id, 0, IPC_SET, (union semun){ .buf = &status });
		break;
	case REMOVE:
		reply->result = semctl(id, 0, IPC_RMID);
		break;
	case LOOK:
		reply->result = look(request, reply);
		break;
	case BECOME:
		reply->result = become((uid_t)argument[USER]);
		break;
	}
	reply->error = errno;
}

/* This worker becomes another user at times. It uses no member that is not there: the library does
 * not know how many there are in a set that the user cannot open at all (EACCES in the place of
 * EFBIG or EINVAL). */
enum { CHANGING = WORKERS - 1 };

static long some_member(int number)
{
	bool is_there = number == CHANGING || below(40);
	return is_there ? (long)below(MEMBERS) : ONE_OF(MEMBERS, 65535);
}

/* Those of the first worker have IPC_NOWAIT, all of them. */
static void some_operations(struct request *request, int number, bool may_sleep)
{
	long *argument = request->argument;
	argument[TIME] = below(12) ? -1 : (long)below(may_sleep ? 5 : 4);
	argument[LENGTH] = below(50) ? 1 + below(OPERATIONS) : 0;
	for (int i = 0; i < argument[LENGTH]; i++) {
		argument[FIRST + 3 * i] = some_member(number);
		argument[FIRST + 3 * i + 1] =
			below(30) ? (long)below(7) - 3 : ONE_OF(32767, -32767, -32768, 30000);
		argument[FIRST + 3 * i + 2] = ONE_OF(0, 0, IPC_NOWAIT, SEM_UNDO, SEM_UNDO,
						     SEM_UNDO | IPC_NOWAIT);
		if (!may_sleep)
			argument[FIRST + 3 * i + 2] |= IPC_NOWAIT;
	}
}

static void some_control(struct request *request, int number)
{
	long *argument = request->argument;
	bool is_there = number == CHANGING || below(10);
	argument[MEMBER] = is_there ? (long)below(MEMBERS) : ONE_OF(-1, MEMBERS, 1000);
	switch (request->step) {
	case SET_VALUE:
		argument[VALUE] = below(10) ? (long)below(4) : ONE_OF(-1, 32767, 32768, 0x7fffffff);
		break;
	case SET_ALL:
		for (int i = 0; i < MEMBERS; i++)
			argument[VALUE + i] = below(20) ? (long)below(4) : ONE_OF(32767, 32768);
		break;
	case READ:
		argument[COMMAND] = ONE_OF(GETVAL, GETPID, GETNCNT, GETZCNT, GETALL, 1000,
					   GETVAL | 0x100);
		break;
	case SET_PERMISSION:
		argument[VALUE] = some_mode();
		argument[USER] = ONE_OF(0, 0, 0, NOBODY, -1);
		break;
	default:
		break;
	}
}

static struct request some_step(int number)
{
	static const enum step often[] = {
		OPERATE, OPERATE, OPERATE, OPERATE, OPERATE, OPERATE, OPERATE, OPERATE,
		SET_VALUE, SET_VALUE, SET_ALL, READ, READ, OPERATE_IN_CHILD, GET,
	};
	static const enum step seldom[] = { SET_PERMISSION, REMOVE, BECOME, GET };
	struct request request = { 0 };
	request.step = (int)(below(8) ? often[below(sizeof often / sizeof *often)]
				      : seldom[below(sizeof seldom / sizeof *seldom)]);
	long *argument = request.argument;
	argument[ID] = some_object();
	if (object_count == 0)
		request.step = GET;
	switch (request.step) {
	case GET:
		argument[KEY] = key_of(below(KEYS + 1));
		argument[COUNT] = below(8) ? MEMBERS : ONE_OF(0, 1, -1, MEMBERS + 1, 32001);
		argument[FLAGS] = ONE_OF(0, IPC_CREAT, IPC_CREAT, IPC_CREAT | IPC_EXCL, IPC_EXCL) |
				  some_mode();
		break;
	case OPERATE:
		some_operations(&request, number, number > 0);
		break;
	case OPERATE_IN_CHILD:
		some_operations(&request, number, false);
		break;
	case BECOME:
		argument[USER] = ONE_OF(0, 0, NOBODY);
		break;
	default:
		some_control(&request, number);
	}
	return request;
}

static bool may_sleep(int number, const struct request *request)
{
	const long *flags = &request->argument[FIRST + 2];
	if (number == 0 || request->step != OPERATE)
		return false;
	bool waits = false;
	for (int i = 0; i < request->argument[LENGTH]; i++)
		waits |= !(flags[3 * i] & IPC_NOWAIT);
	return waits;
}

/* The kernel sets the time of the last operation when a process dies that has only tried one with
 * SEM_UNDO. */
static void see_death(void)
{
	for (int i = 0; i < object_count; i++)
		has_seen_death[i] = true;
}

static void one_step(void)
{
	int number = (int)below(WORKERS);
	if (number > 0 && below(15) == 0) {
		printf(" kill %d\n", number);
		kill_worker(number);
		see_death();
	} else if (workers[number].is_busy) {
		printf(" interrupt %d\n", number);
		interrupt_worker(number, below(2) ? SIGUSR1 : SIGUSR2);
	} else {
		struct request request = some_step(number);
		struct reply reply;
		if (number != CHANGING && request.step == BECOME)
			return;
		if (request.step == OPERATE_IN_CHILD)
			see_death();
		make_step(number, &request, may_sleep(number, &request), &reply);
	}
}

static void remove_object(int id)
{
	semctl(id, 0, IPC_RMID);
}

static const char *const step_names[] = {
	"get", "operate", "operate in a child", "set value", "set all", "read", "set permission",
	"remove", "look", "become",
};

static const struct family family = {
	.kind = "set",
	.steps = step_names,
	.get = GET,
	.look = LOOK,
	.shown = FIRST + 3 * OPERATIONS,
	.one_step = one_step,
	.remove = remove_object,
};
