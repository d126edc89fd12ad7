/* Creates and opens queues, between calls of getppid(2), which divide the trace. Prints "done". */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static mqd_t must_open(const char *name, int flags)
{
	mqd_t queue = mq_open(name, flags, 0600, NULL);
	if (queue == (mqd_t)-1) {
		perror(name);
		exit(1);
	}
	return queue;
}

int main(void)
{
	char first[64], second[64];
	snprintf(first, sizeof first, "/open.first.%d", (int)getpid());
	snprintf(second, sizeof second, "/open.second.%d", (int)getpid());
	/* What is done once in a process is not counted. */
	must_open(first, O_CREAT | O_EXCL | O_RDWR);
	getppid();
	must_open(second, O_CREAT | O_EXCL | O_RDWR);
	getppid();
	must_open(first, O_RDWR);
	getppid();
	if (mq_unlink(first) != 0 || mq_unlink(second) != 0)
		return 1;
	puts("done");
	return 0;
}
