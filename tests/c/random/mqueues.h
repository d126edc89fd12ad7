/* What the steps on POSIX message queues do. A worker has descriptors in slots. */
#ifndef RANDOM_MQUEUES_H
#define RANDOM_MQUEUES_H

#include "posix.h"

#include <sys/epoll.h>
#include <sys/select.h>

enum { SLOTS = 4, SIZE = 48 };

enum step {
	OPEN, CLOSE, UNLINK, SEND, RECEIVE, NONBLOCK, NOTIFY, DUPLICATE, CLOSE_ON_EXEC, STAT,
	OWN, READ, POLL, EPOLL, PASS, TAKE, EXEC, BECOME, LOOK,
};

enum argument {
	SLOT = 0,
	NAME = 2, FLAGS = 3, MODE = 4, UMASK = 5, DEPTH = 6, ROOM = 7,  /* mq_open, mq_unlink */
	HOW = 2, VALUE = 3, OTHER = 4, WAITS = 5,                       /* on descriptors */
	LENGTH = 2, PRIORITY = 3, DEADLINE = 4, BODY = 5,               /* messages */
	USED_ARGUMENTS = 8,
};

static int slots[SLOTS] = { -1, -1, -1, -1 };
/* Queues that are on their way from one worker to another. */
static int post[2];
static int epoll = -1;

/* The notifications that this program has had. */
static volatile int told;
static siginfo_t last;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	last = *info;
	told++;
}

__attribute__((constructor)) static void handle_notes(void)
{
	struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART };
	MUST(sigaction(SIGRTMIN + 1, &action, NULL) == 0);
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGRTMIN + 2, &action, NULL) == 0);
}

/* A step on queues uses the first slot from there on that has one; SLOTS: a bad descriptor. */
static int *slot_of(const long *argument)
{
	static int none;
	long slot = argument[SLOT];
	none = -1;
	if (slot == SLOTS)
		return &none;
	for (int i = 0; i < SLOTS; i++)
		if (slots[(slot + i) % SLOTS] != -1)
			return &slots[(slot + i) % SLOTS];
	return &none;
}

static void put(long slot, int queue)
{
	if (queue == -1)
		return;
	if (slots[slot] != -1)
		mq_close(slots[slot]);
	slots[slot] = queue;
}

static long open_queue(const long *argument)
{
	struct mq_attr attr = {
		.mq_flags = -1, .mq_maxmsg = argument[DEPTH], .mq_msgsize = argument[ROOM],
	};
	mode_t before = umask((mode_t)argument[UMASK]);
	mqd_t queue = mq_open(name_of(argument[NAME]), (int)argument[FLAGS],
			      (mode_t)argument[MODE], argument[DEPTH] == 99 ? NULL : &attr);
	int error = errno;
	umask(before);
	put(argument[SLOT], queue);
	errno = error;
	return queue == -1 ? -1 : 0;
}

static long close_queue(const long *argument, struct reply *reply)
{
	int *slot = slot_of(argument), queue = *slot;
	*slot = -1;
	unsigned fd = (unsigned)queue;
	long result = argument[HOW] == 0   ? mq_close(queue)
		      : argument[HOW] == 1 ? close(queue)
		      : HAS_CLOSE_RANGE	   ? close_range(fd, fd, 0)
					   : syscall(SYS_close_range, fd, fd, 0);
	int error = errno;
	if (result == 0 && mq_close(queue) == -1)
		say(reply, " then %s", strerrorname_np(errno));
	errno = error;
	return result;
}

static char buffer[4 * SIZE];

static long send_message(const long *argument)
{
	const struct timespec *deadline = deadline_of(argument[DEADLINE]);
	int queue = *slot_of(argument);
	memset(buffer, (int)argument[BODY], sizeof buffer);
	const char *body = argument[BODY] ? buffer : NULL;
	if (!deadline)
		return mq_send(queue, body, (size_t)argument[LENGTH], (unsigned)argument[PRIORITY]);
	return mq_timedsend(queue, body, (size_t)argument[LENGTH], (unsigned)argument[PRIORITY],
			    deadline);
}

static long receive_message(const long *argument, struct reply *reply)
{
	const struct timespec *deadline = deadline_of(argument[DEADLINE]);
	int queue = *slot_of(argument);
	unsigned priority = 77;
	unsigned *at = argument[PRIORITY] ? &priority : NULL;
	memset(buffer, 0, sizeof buffer);
	long got = deadline ? mq_timedreceive(queue, buffer, (size_t)argument[LENGTH], at, deadline)
			    : mq_receive(queue, buffer, (size_t)argument[LENGTH], at);
	if (got >= 0)
		say(reply, " priority %u body %d..%d, then %d", priority, buffer[0],
		    buffer[got ? got - 1 : 0], buffer[got]);
	return got;
}

static long set_nonblock(const long *argument, struct reply *reply)
{
	int queue = *slot_of(argument);
	if (argument[HOW]) {
		int flags = fcntl(queue, F_GETFL);
		if (flags == -1)
			return -1;
		flags &= ~O_NONBLOCK;
		return fcntl(queue, F_SETFL, flags | (int)(argument[VALUE] & O_NONBLOCK));
	}
	/* Only the flags count. */
	struct mq_attr old = { 0 }, new = { .mq_flags = argument[VALUE], .mq_maxmsg = -7 };
	long result = mq_setattr(queue, &new, &old);
	say(reply, " was %ld: %ld x %ld, %ld", old.mq_flags, old.mq_maxmsg, old.mq_msgsize,
	    old.mq_curmsgs);
	return result;
}

static long notify(const long *argument)
{
	struct sigevent event = {
		.sigev_notify = (int)argument[HOW],
		.sigev_signo = (int)argument[OTHER],
		.sigev_value.sival_int = (int)argument[VALUE],
	};
	if (event.sigev_signo > 0 && event.sigev_signo < 3)
		event.sigev_signo += SIGRTMIN;
	/* In the kernel a queue with one place is not empty while a sender waits. Here it is for a
	 * moment, and the message that ends it is notified of. */
	struct mq_attr attr;
	if (mq_getattr(*slot_of(argument), &attr) == 0 && attr.mq_maxmsg == 1)
		return 0;
	return mq_notify(*slot_of(argument), argument[HOW] < 0 ? NULL : &event);
}

static long duplicate(const long *argument)
{
	int queue = *slot_of(argument), *other = &slots[argument[OTHER]];
	long result;
	switch (argument[HOW]) {
	case 0:
		result = dup(queue);
		break;
	case 1:
		result = fcntl(queue, argument[VALUE] ? F_DUPFD_CLOEXEC : F_DUPFD, 100);
		break;
	case 2:
		return *other == -1 ? -1 : dup2(queue, *other) == *other ? 0 : -1;
	default:
		if (*other == -1)
			return -1;
		return dup3(queue, *other, argument[VALUE] ? O_CLOEXEC : 0) == *other ? 0 : -1;
	}
	int error = errno;
	put(argument[OTHER], (int)result);
	errno = error;
	return result == -1 ? -1 : 0;
}

static long set_owner(const long *argument)
{
	int queue = *slot_of(argument);
	if (argument[HOW])
		return fchmod(queue, (mode_t)argument[VALUE]);
	return fchown(queue, (uid_t)argument[OTHER], (gid_t)argument[OTHER]);
}

/* What the library does not tell: time, and the number of the file. */
static long stat_queue(const long *argument, struct reply *reply)
{
	struct stat status = { 0 };
	struct statx more = { 0 };
	int queue = *slot_of(argument);
	long result = argument[HOW] == 0   ? fstat(queue, &status)
		      : argument[HOW] == 1 ? fstatat(queue, "", &status, AT_EMPTY_PATH)
					   : statx(queue, "", AT_EMPTY_PATH, STATX_ALL, &more);
	if (argument[HOW] == 2) {
		status.st_mode = more.stx_mode;
		status.st_uid = more.stx_uid;
		status.st_gid = more.stx_gid;
		status.st_size = (off_t)more.stx_size;
		status.st_nlink = more.stx_nlink;
	}
	say(reply, " mode %o of %u:%u, %ld bytes, %d names", status.st_mode, status.st_uid,
	    status.st_gid, (long)status.st_size, (int)status.st_nlink);
	return result;
}

/* The status line, with the number of the process in the place of its id. */
static void say_status(struct reply *reply, const char *line)
{
	unsigned long bytes;
	int how, signal, process;
	if (sscanf(line, "QSIZE:%lu NOTIFY:%d SIGNO:%d NOTIFY_PID:%d", &bytes, &how, &signal,
		   &process) == 4)
		say(reply, " %lu bytes, notify %d by %d to %d", bytes, how, signal,
		    process_number(process));
}

static long read_queue(const long *argument, struct reply *reply)
{
	char line[200] = "";
	int queue = *slot_of(argument);
	size_t length = (size_t)argument[OTHER];
	long at = argument[VALUE], result;
	switch (argument[HOW]) {
	case 0:
		result = pread(queue, line, sizeof line - 1, 0);
		say_status(reply, line);
		/* Its length depends on the id of a process. */
		return result > 40 ? 40 : result;
	case 1:
		result = pread(queue, line, length, at);
		break;
	case 2:
		return lseek(queue, at, (int)argument[WAITS]);
	case 3:
		/* The library has a position in each process, the kernel in each description. */
		if (lseek(queue, at, SEEK_SET) == -1)
			return -1;
		result = read(queue, line, length);
		say(reply, " now at %ld", lseek(queue, 0, SEEK_CUR));
		break;
	default:
		return write(queue, "text", length < 4 ? length : 4);
	}
	say(reply, " '%s'", line);
	return result;
}

#endif
