/* Random calls on System V message queues by several processes, and all that can be seen of the
 * queues after each.
 *
 *   queues STEPS SEED */
#include "sysv.h"

#include <limits.h>
#include <sys/msg.h>

enum { SMALL = 64, LONGEST = 8193 };

#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

enum step { GET, SEND, RECEIVE, SET, REMOVE, LOOK, BECOME };

/* Argument 0 is the id. */
enum argument {
	ID, SIZE = 1, TYPE = 2, FLAG = 3, BODY = 4,       /* msgsnd, msgrcv */
	BOUND = 1, MODE = 2, USER = 3,                    /* msgctl */
	KEY = 0, FLAGS = 1,                               /* msgget */
	USED_ARGUMENTS = 5,
};

static struct {
	long type;
	unsigned char body[LONGEST + 1];
} message;

static void perform(const struct request *request, struct reply *reply)
{
	const long *argument = request->argument;
	int id = (int)argument[ID];
	struct msqid_ds status = { .msg_qbytes = (msglen_t)argument[BOUND] };
	status.msg_perm.mode = (unsigned short)argument[MODE];
	status.msg_perm.uid = status.msg_perm.gid = (uid_t)argument[USER];
	switch ((enum step)request->step) {
	case GET:
		reply->result = msgget((key_t)argument[KEY], (int)argument[FLAGS]);
		break;
	case SEND:
		message.type = argument[TYPE];
		memset(message.body, (int)argument[BODY], sizeof message.body);
		reply->result = msgsnd(id, &message, (size_t)argument[SIZE], (int)argument[FLAG]);
		break;
	case RECEIVE:
		memset(&message, 0, sizeof message);
		reply->result = msgrcv(id, &message, (size_t)argument[SIZE], argument[TYPE],
				       (int)argument[FLAG]);
		if (reply->result >= 0)
			say(reply, " type %ld body %d..%d, then %d", message.type, message.body[0],
			    message.body[reply->result ? reply->result - 1 : 0],
			    message.body[reply->result]);
		break;
	case SET:
		reply->result = msgctl(id, IPC_SET, &status);
		break;
	case REMOVE:
		reply->result = msgctl(id, IPC_RMID, NULL);
		break;
	case LOOK:
		reply->result = msgctl(id, IPC_STAT, &status);
		if (reply->result != 0)
			break;
		say_permission(reply, &status.msg_perm);
		say(reply, " key %d: %lu messages, %lu bytes of %lu",
		    number_of_key(status.msg_perm.__key), status.msg_qnum, status.__msg_cbytes,
		    status.msg_qbytes);
		say(reply, ", sent by %d%s, received by %d%s", process_number(status.msg_lspid),
		    status.msg_stime ? " once" : "", process_number(status.msg_lrpid),
		    status.msg_rtime ? " once" : "");
		break;
	case BECOME:
		reply->result = become((uid_t)argument[USER]);
		break;
	}
	reply->error = errno;
}

static void some_send(long *argument)
{
	argument[SIZE] = below(4) ? (long)below(SMALL) : ONE_OF(0, 8192, 8193, -1, 4000, 8000);
	argument[TYPE] = below(15) ? 1 + (long)below(4) : ONE_OF(0, -1, LONG_MAX, LONG_MIN);
	argument[FLAG] = ONE_OF(0, 0, IPC_NOWAIT);
	argument[BODY] = 1 + (long)below(255);
}

static void some_receive(long *argument)
{
	argument[SIZE] = below(3) ? 8192 : ONE_OF(0, 10, 30, 64, -1);
	argument[TYPE] = below(15) ? (long)below(9) - 4 : ONE_OF(LONG_MAX, LONG_MIN, -LONG_MAX);
	argument[FLAG] = ONE_OF(0, IPC_NOWAIT) | ONE_OF(0, 0, MSG_NOERROR);
	argument[FLAG] |= ONE_OF(0, 0, MSG_EXCEPT);
	if (below(12) == 0)
		argument[FLAG] |= MSG_COPY;
	argument[BODY] = 0;
}

static struct request some_step(bool may_sleep)
{
	static const enum step often[] = { SEND, SEND, SEND, RECEIVE, RECEIVE };
	static const enum step seldom[] = { SET, SET, REMOVE, BECOME, GET };
	struct request request = { 0 };
	request.step = (int)(below(7) ? often[below(sizeof often / sizeof *often)]
				      : seldom[below(sizeof seldom / sizeof *seldom)]);
	long *argument = request.argument;
	argument[ID] = some_object();
	if (object_count == 0)
		request.step = GET;
	switch (request.step) {
	case GET:
		argument[KEY] = key_of(below(KEYS + 1));
		argument[FLAGS] = ONE_OF(0, IPC_CREAT, IPC_CREAT, IPC_CREAT | IPC_EXCL, IPC_EXCL) |
				  some_mode();
		break;
	case SEND:
		some_send(argument);
		break;
	case RECEIVE:
		some_receive(argument);
		break;
	case SET:
		argument[BOUND] = ONE_OF(16384, 16384, 8192, 100, 3, 0);
		argument[MODE] = some_mode();
		argument[USER] = ONE_OF(0, 0, 0, NOBODY, -1);
		break;
	case BECOME:
		argument[USER] = ONE_OF(0, 0, NOBODY);
		break;
	}
	if (!may_sleep && (request.step == SEND || request.step == RECEIVE))
		argument[FLAG] |= IPC_NOWAIT;
	return request;
}

static bool may_sleep(int number, const struct request *request)
{
	bool is_transfer = request->step == SEND || request->step == RECEIVE;
	return number > 0 && is_transfer && !(request->argument[FLAG] & IPC_NOWAIT);
}

static int steps[WORKERS];

/* Whether a worker sleeps in a send. Of several, the kernel keeps no order. */
static bool is_sending(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (workers[i].is_busy && steps[i] == SEND)
			return true;
	return false;
}

static void one_step(void)
{
	int number = (int)below(WORKERS);
	if (number > 0 && below(25) == 0) {
		printf(" kill %d\n", number);
		kill_worker(number);
	} else if (workers[number].is_busy) {
		if (below(2)) {
			printf(" interrupt %d\n", number);
			interrupt_worker(number, below(2) ? SIGUSR1 : SIGUSR2);
		}
	} else {
		struct request request = some_step(number > 0);
		if (request.step == SEND && is_sending())
			request.argument[FLAG] |= IPC_NOWAIT;
		struct reply reply;
		if (number == 0 && request.step == BECOME)
			return;
		steps[number] = request.step;
		make_step(number, &request, may_sleep(number, &request), &reply);
	}
}

static void remove_object(int id)
{
	msgctl(id, IPC_RMID, NULL);
}

static const char *const step_names[] = {
	"get", "send", "receive", "set", "remove", "look", "become",
};

static const struct family family = {
	.kind = "queue",
	.steps = step_names,
	.get = GET,
	.look = LOOK,
	.shown = USED_ARGUMENTS,
	.one_step = one_step,
	.remove = remove_object,
};
