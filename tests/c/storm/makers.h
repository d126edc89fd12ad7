/* Workers that create, open, use, close and unlink queues of a few names, and are killed in the
 * middle of that.
 *
 * The sizes of a queue follow from its name. So a process that opens one that another has made
 * knows whether it is whole. */
#ifndef MAKERS_H
#define MAKERS_H

#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>
#include "storm.h"

enum { NAMES = 6, USES = 6 };

struct small {
	uint32_t sum;
	unsigned char bytes[60];
};

static const char *maker_name(int number)
{
	static char names[NAMES][256];
	if (!names[0][0])
		for (int i = 0; i < NAMES; i++)
			/* One is so long that its files are named by a hash. */
			snprintf(names[i], sizeof names[i], "/maker-%0*d", i == 0 ? 240 : 1, i);
	return names[number];
}

/* With a tree and without one. */
static struct mq_attr maker_sizes(int number)
{
	return (struct mq_attr){ .mq_maxmsg = 1 + number * 20,
				 .mq_msgsize = (long)sizeof(struct small) + number };
}

static void maker_use(mqd_t queue, int number)
{
	struct mq_attr is, should = maker_sizes(number);
	MUST(mq_getattr(queue, &is) == 0);
	MUST(is.mq_maxmsg == should.mq_maxmsg && is.mq_msgsize == should.mq_msgsize);
	for (int i = rand() % USES; i > 0; i--) {
		struct small message;
		memset(message.bytes, rand(), sizeof message.bytes);
		message.sum = sum_of(1, message.bytes, sizeof message.bytes);
		MUST(mq_send(queue, (char *)&message, sizeof message, (unsigned)rand() % 4) == 0 ||
		     errno == EAGAIN);
	}
	for (int i = rand() % USES; i > 0; i--) {
		char got[sizeof(struct small) + NAMES];
		struct small message;
		ssize_t length = mq_receive(queue, got, sizeof got, NULL);
		MUST(length == sizeof message || (length == -1 && errno == EAGAIN));
		if (length == -1)
			break;
		memcpy(&message, got, sizeof message);
		MUST(message.sum == sum_of(1, message.bytes, sizeof message.bytes));
	}
	if (rand() % 8 == 0) {
		struct pollfd fd = { queue, POLLIN | POLLOUT, 0 };
		MUST(poll(&fd, 1, 0) >= 0 && (fd.revents & ~(POLLIN | POLLOUT)) == 0);
	}
	if (rand() % 8 == 0)
		MUST(mq_notify(queue, &(struct sigevent){ .sigev_notify = SIGEV_NONE }) == 0 ||
		     errno == EBUSY);
}

__attribute__((noreturn)) static void make(unsigned seed)
{
	srand(seed);
	for (;;) {
		int number = rand() % NAMES;
		bool creates = rand() % 2;
		struct mq_attr sizes = maker_sizes(number);
		int flags = O_RDWR | O_NONBLOCK | (creates ? O_CREAT | O_EXCL : 0);
		mqd_t queue = mq_open(maker_name(number), flags, 0600, &sizes);
		MUST(queue != (mqd_t)-1 || errno == (creates ? EEXIST : ENOENT));
		if (queue != (mqd_t)-1)
			maker_use(queue, number);
		if (rand() % 2)
			MUST(mq_unlink(maker_name(number)) == 0 || errno == ENOENT);
		if (queue != (mqd_t)-1)
			MUST(mq_close(queue) == 0);
	}
}

/* When all makers are dead: each queue that has a name is whole. */
static void makers_left_no_ruins(void)
{
	for (int number = 0; number < NAMES; number++) {
		mqd_t queue = mq_open(maker_name(number), O_RDWR | O_NONBLOCK);
		MUST(queue != (mqd_t)-1 || errno == ENOENT);
		if (queue == (mqd_t)-1)
			continue;
		for (int i = 0; i < 200; i++)
			maker_use(queue, number);
		MUST(mq_close(queue) == 0 && mq_unlink(maker_name(number)) == 0);
	}
}

/* When no queue has a name any more: FIFOs of queues that are gone may have stayed, and nothing
 * else. */
static int fifos_left(const char *place)
{
	static const char prefix[] = "rsipc-mqf.";
	int count = 0;
	DIR *dir = opendir(place);
	MUST(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		/* What says that a process is there stays when that is killed, until
		 * rsipc clean. */
		if (strncmp(entry->d_name, "rsipc-pr.", 9) == 0)
			continue;
		if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0 ||
		    entry->d_type != DT_FIFO) {
			fprintf(stderr, "left behind: %s\n", entry->d_name);
			exit(1);
		}
		count++;
	}
	closedir(dir);
	return count;
}

#endif
