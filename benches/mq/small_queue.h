/* A queue without a name, of messages of 64 bytes. */
#include <fcntl.h>
#include <mqueue.h>

#include "../support/bench.h"

enum { SMALL = 64 };

static mqd_t small_queue(long messages)
{
	char name[64];
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = SMALL };
	snprintf(name, sizeof name, "/rsipc-bench.%d", (int)getpid());
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	BENCH_NEED(queue != (mqd_t)-1);
	mq_unlink(name);
	return queue;
}
