/* mq_limits WHAT: says how far one gets with creating queues. The kernel's queues and ours, with
 * RSIPC_MQ_LIMITS=kernel, are to say the same. Started by root, so that it can have an IPC
 * namespace of its own, in which there is no queue, and become a user that has none. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../support/older.h"
#include "../support/must.h"

enum { USERS = 100000, MANY = 1000, MIB = 1024 * 1024 };

/* One that no other program uses: the bytes of a user are counted in all IPC namespaces
 * together. */
static void become_user(void)
{
	uid_t user = USERS + (uid_t)getpid();
	MUST(setgroups(0, NULL) == 0 && setgid(user) == 0 && setuid(user) == 0);
}

/* As many as that, or as may be: not even root may always raise it. */
static rlim_t allow_bytes(rlim_t bytes)
{
	struct rlimit limit;
	MUST(getrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	MUST(setrlimit(RLIMIT_MSGQUEUE, &limit) == 0);
	return limit.rlim_cur;
}

static const char *name_of(int number)
{
	static char name[64];
	snprintf(name, sizeof name, "/limits.%d", number);
	return name;
}

/* 0 or the errno. The queue, if there is one, stays. */
static int create(int number, long maxmsg, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	mqd_t queue = mq_open(name_of(number), O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (queue == (mqd_t)-1)
		return errno;
	MUST(mq_close(queue) == 0);
	return 0;
}

static void try_sizes(long maxmsg, long msgsize)
{
	int error = create(0, maxmsg, msgsize);
	printf("%ld x %ld: %s\n", maxmsg, msgsize, error ? strerrorname_np(error) : "ok");
	if (!error)
		MUST(mq_unlink(name_of(0)) == 0);
}

static void sizes(void)
{
	static const long depths[] = { -1, 0, 1, 9, 10, 11, 100, 65536, 65537 };
	static const long lengths[] = { -1, 0, 1, 8191, 8192, 8193, MIB, 16 * MIB, 16 * MIB + 1 };
	for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
		try_sizes(depths[i], 10);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		try_sizes(1, lengths[i]);
	mqd_t queue = mq_open(name_of(0), O_CREAT | O_EXCL | O_RDWR, 0600, NULL);
	struct mq_attr attr;
	MUST(queue != (mqd_t)-1 && mq_getattr(queue, &attr) == 0);
	printf("by default: %ld x %ld\n", attr.mq_maxmsg, attr.mq_msgsize);
	MUST(mq_unlink(name_of(0)) == 0);
}

/* The smallest RLIMIT_MSGQUEUE that allows such a queue. */
static void price(long maxmsg, long msgsize)
{
	rlim_t refused = 0, allowed = allow_bytes(100 * MIB);
	while (allowed - refused > 1) {
		rlim_t bytes = (refused + allowed) / 2;
		allow_bytes(bytes);
		int error = create(0, maxmsg, msgsize);
		MUST(error == 0 || error == EMFILE);
		if (error) {
			refused = bytes;
		} else {
			allowed = bytes;
			MUST(mq_unlink(name_of(0)) == 0);
		}
	}
	printf("%ld x %ld takes %lu bytes\n", maxmsg, msgsize, (unsigned long)allowed);
}

static void prices(void)
{
	price(1, 1);
	price(10, 100);
	price(10, 8192);
}

/* Until it is refused, by any limit. */
static void number(const char *what)
{
	int count = 0, error;
	while (count < MANY && (error = create(count, 10, 8)) == 0)
		count++;
	printf("%s: %d queues, then %s\n", what, count,
	       count < MANY ? strerrorname_np(error) : "ok");
	/* Which limit is told of if there are several? */
	printf("and of bad sizes: %s\n", strerrorname_np(create(MANY, 0, 8)));
	for (int i = 0; i < count; i++)
		MUST(mq_unlink(name_of(i)) == 0);
	printf("again: %s\n", strerrorname_np(create(0, 10, 8)));
	MUST(mq_unlink(name_of(0)) == 0);
}

static void numbers(void)
{
	allow_bytes(10000);
	number("of 10,000 bytes");
	allow_bytes(RLIM_INFINITY);
	number("of any size");
}

int main(int argc, char **argv)
{
	MUST(argc == 3 && unshare(CLONE_NEWIPC) == 0);
	allow_bytes(RLIM_INFINITY);
	if (strcmp(argv[2], "user") == 0) {
		/* It counts for the number of queues, though the user may not open it. */
		MUST(create(MANY + 1, 1, 1) == 0);
		become_user();
	}
	if (strcmp(argv[1], "sizes") == 0)
		sizes();
	else if (strcmp(argv[1], "prices") == 0)
		prices();
	else if (strcmp(argv[1], "numbers") == 0)
		numbers();
	else
		MUST(!"an action of this name");
	return 0;
}
