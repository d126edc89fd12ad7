/* Random calls on POSIX message queues by several processes, and all that can be seen of the queues
 * after each.
 *
 *   mqueues STEPS SEED */
#include "mqueues_wait.h"

static void look(const struct request *request, struct reply *reply);

static long make(const struct request *request, struct reply *reply)
{
	const long *argument = request->argument;
	switch ((enum step)request->step) {
	case OPEN:
		return open_queue(argument);
	case CLOSE:
		return close_queue(argument, reply);
	case UNLINK:
		return mq_unlink(name_of(argument[NAME]));
	case SEND:
		return send_message(argument);
	case RECEIVE:
		return receive_message(argument, reply);
	case NONBLOCK:
		return set_nonblock(argument, reply);
	case NOTIFY:
		return notify(argument);
	case DUPLICATE:
		return duplicate(argument);
	case CLOSE_ON_EXEC:
		return fcntl(*slot_of(argument), F_SETFD, (int)argument[VALUE]);
	case STAT:
		return stat_queue(argument, reply);
	case OWN:
		return set_owner(argument);
	case READ:
		return read_queue(argument, reply);
	case POLL:
		return poll_queues(argument, reply);
	case EPOLL:
		return use_epoll(argument, reply);
	case PASS:
		return pass_queue(argument);
	case TAKE:
		return take_queue(argument);
	case EXEC:
		execute();
	case BECOME:
		return become((uid_t)argument[VALUE]);
	case LOOK:
		look(request, reply);
		break;
	}
	return 0;
}

static void perform(const struct request *request, struct reply *reply)
{
	perform_here_or_in_child(request, reply);
}

static void look_at_slot(int slot, struct reply *reply)
{
	struct mq_attr attr;
	struct stat status;
	int queue = slots[slot];
	char line[200] = "";
	if (queue == -1)
		return;
	MUST(mq_getattr(queue, &attr) == 0 && fstat(queue, &status) == 0);
	say(reply, " [%d: %ld of %ld x %ld%s%s, %o %u:%u", slot, attr.mq_curmsgs, attr.mq_maxmsg,
	    attr.mq_msgsize, attr.mq_flags & O_NONBLOCK ? ", at once" : "",
	    fcntl(queue, F_GETFD) & FD_CLOEXEC ? "" : ", kept", status.st_mode, status.st_uid,
	    status.st_gid);
	MUST(attr.mq_flags == (fcntl(queue, F_GETFL) & O_NONBLOCK));
	if (pread(queue, line, sizeof line - 1, 0) > 0)
		say_status(reply, line);
	say(reply, "]");
}

/* The first worker also looks for the names. */
static void look(const struct request *request, struct reply *reply)
{
	for (int slot = 0; slot < SLOTS; slot++)
		look_at_slot(slot, reply);
	if (told)
		say(reply, " told %d times, last %d by %d of %u", told, last.si_value.sival_int,
		    process_number(last.si_pid), last.si_uid);
	for (int name = 0; name < NAMES && request->argument[SLOT] == 0; name++) {
		mqd_t queue = mq_open(name_of(name), O_RDONLY);
		struct mq_attr attr;
		if (queue == -1)
			continue;
		MUST(mq_getattr(queue, &attr) == 0);
		say(reply, " /%d: %ld of %ld x %ld", name, attr.mq_curmsgs, attr.mq_maxmsg,
		    attr.mq_msgsize);
		MUST(mq_close(queue) == 0);
	}
}

/* The kernel lets a user have few queues of the usual size. */
static int usual_queues;

static void some_open(long *argument)
{
	argument[NAME] = some_name();
	argument[FLAGS] = ONE_OF(O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, O_ACCMODE) |
			  ONE_OF(0, O_CREAT, O_CREAT, O_CREAT | O_EXCL, O_EXCL) |
			  ONE_OF(0, 0, O_NONBLOCK);
	if (below(8) == 0)
		argument[FLAGS] |= ONE_OF(O_CLOEXEC, O_TRUNC, O_APPEND, O_SYNC, O_NOCTTY,
					  O_NOFOLLOW, O_DIRECTORY, O_NOATIME, 1 << 30);
	argument[MODE] = some_mode();
	argument[UMASK] = ONE_OF(0, 022, 077, 0777);
	argument[DEPTH] = 1 + (long)below(3);
	argument[ROOM] = ONE_OF(SIZE, SIZE, 1);
	if (below(12) == 0)
		*(below(2) ? &argument[DEPTH] : &argument[ROOM]) = ONE_OF(0, -1);
	if (below(30) == 0 && usual_queues < 2) {
		argument[DEPTH] = 99;
		usual_queues++;
	}
}

static void some_message(struct request *request, bool may_sleep)
{
	long *argument = request->argument;
	argument[LENGTH] = below(8) ? (long)below(SIZE + 1) : ONE_OF(SIZE + 1, SIZE * 2, -1);
	argument[PRIORITY] = below(8) ? (long)below(3) : ONE_OF(32767, 32768, -1);
	/* The kernel loses the message that cannot be copied to its receiver. */
	argument[BODY] = below(20) ? 1 + (long)below(100) : 0;
	argument[DEADLINE] = some_deadline(may_sleep);
	if (request->step == RECEIVE) {
		argument[LENGTH] = below(8) ? 2 * SIZE : ONE_OF(0, 1, SIZE - 1, SIZE, -1);
		argument[PRIORITY] = ONE_OF(0, 1, 1);
	}
}

static void some_use(struct request *request, bool may_sleep)
{
	long *argument = request->argument;
	argument[HOW] = below(4);
	argument[VALUE] = below(2);
	argument[OTHER] = below(SLOTS);
	switch (request->step) {
	case NONBLOCK:
		argument[HOW] &= 1;
		argument[VALUE] = below(8) ? ONE_OF(O_NONBLOCK, 0) : ONE_OF(O_APPEND, 1, -1);
		break;
	case NOTIFY:
		argument[HOW] = below(12) ? ONE_OF(SIGEV_SIGNAL, SIGEV_SIGNAL, SIGEV_NONE, -1) : 99;
		argument[OTHER] = below(12) ? 1 + (long)below(2) : ONE_OF(0, -1, 65, 64);
		argument[VALUE] = below(100);
		break;
	case OWN:
		argument[VALUE] = some_mode();
		argument[OTHER] = ONE_OF(0, NOBODY, -1);
		break;
	case READ:
		argument[HOW] = below(5);
		argument[VALUE] = ONE_OF(0, 5, 30, 37, -1, 1000);
		argument[OTHER] = ONE_OF(0, 1, 11);
		argument[WAITS] = ONE_OF(SEEK_SET, SEEK_END, SEEK_CUR, 9);
		break;
	case POLL:
		argument[HOW] = below(3);
		argument[VALUE] = ONE_OF(POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLPRI,
					 POLLRDNORM | POLLWRNORM);
		argument[WAITS] = may_sleep && below(2);
		break;
	case BECOME:
		argument[VALUE] = ONE_OF(0, 0, NOBODY);
		break;
	default:
		break;
	}
}

static struct request some_step(int number)
{
	static const enum step often[] = { SEND, SEND, SEND, RECEIVE, RECEIVE };
	static const enum step seldom[] = {
		OPEN, OPEN, CLOSE, UNLINK, NONBLOCK, NOTIFY, NOTIFY, DUPLICATE, CLOSE_ON_EXEC,
		STAT, OWN, READ, POLL, POLL, EPOLL, EPOLL, PASS, EXEC, BECOME,
	};
	struct request request = { 0 };
	request.step = (int)(below(2) ? often[below(sizeof often / sizeof *often)]
				      : seldom[below(sizeof seldom / sizeof *seldom)]);
	bool needs_slot = request.step == OPEN || below(25);
	request.argument[SLOT] = needs_slot ? (long)below(SLOTS) : SLOTS;
	request.argument[IN_CHILD] = below(8) == 0 && request.step != EXEC;
	bool may_sleep = number > 0 && !request.argument[IN_CHILD];
	switch (request.step) {
	case OPEN:
		some_open(request.argument);
		break;
	case UNLINK:
		request.argument[NAME] = some_name();
		break;
	case SEND:
	case RECEIVE:
		some_message(&request, may_sleep);
		break;
	default:
		some_use(&request, may_sleep);
	}
	return request;
}

static bool may_sleep(const struct request *request)
{
	if (request->step == POLL)
		return request->argument[WAITS];
	bool is_transfer = request->step == SEND || request->step == RECEIVE;
	return is_transfer && is_for_ever(request->argument[DEADLINE]);
}

/* The next worker that does not sleep gets it. */
static void take_what_was_sent(int number)
{
	struct request request = { .step = TAKE };
	struct reply reply;
	request.argument[SLOT] = below(SLOTS);
	request.argument[VALUE] = below(2);
	do
		number = (number + 1) % WORKERS;
	while (workers[number].is_busy);
	make_step(number, &request, false, &reply);
}

static int steps[WORKERS];

/* Whether a worker sleeps in a send or a receive. The kernel makes the call anew after a handler
 * with SA_RESTART, and sees O_NONBLOCK that was set meanwhile; the library goes on sleeping. */
static bool is_transferring(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (workers[i].is_busy && (steps[i] == SEND || steps[i] == RECEIVE))
			return true;
	return false;
}

static void one_step(void)
{
	int number = (int)below(WORKERS);
	if (is_disturbed(number))
		return;
	struct request request = some_step(number);
	struct reply reply;
	if (request.step == NONBLOCK && is_transferring())
		return;
	steps[number] = request.step;
	bool done = make_step(number, &request, may_sleep(&request), &reply);
	if (done && request.step == PASS && reply.result > 0)
		take_what_was_sent(number);
}

static void remove_queue(const char *name)
{
	mq_unlink(name);
}

static const char *const step_names[] = {
	"open", "close", "unlink", "send", "receive", "nonblock", "notify", "duplicate",
	"close on exec", "stat", "own", "read", "poll", "epoll", "pass", "take", "exec", "become",
	"look",
};

static const struct family family = {
	.steps = step_names,
	.look = LOOK,
	.shown = USED_ARGUMENTS,
	.one_step = one_step,
	.remove = remove_queue,
};

int main(int argc, char **argv)
{
	if (argc > 3)
		go_on(argv + 1);
	MUST(argc == 3 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, post) == 0);
	return run_steps(atol(argv[1]), (uint64_t)atol(argv[2]));
}
