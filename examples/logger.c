/* A logger that takes what there is in one call.
 *
 *   cc logger.c $(pkg-config --cflags --libs rsipc) -o logger
 *   ./logger WORKERS RECORDS
 *
 * WORKERS processes send RECORDS records each, in batches, to one queue. The logger receives up to
 * 32 at a time, writes each as a line, and prints how many calls that took. Records of one worker
 * are logged in their order. rsipc_ext(3) describes the calls. */
#include <err.h>
#include <rsipc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 32, SIZE = 64 };

static char records[BATCH][SIZE];
static struct rsipc_mq_message batch[BATCH];

/* Sends records until all are sent: a full queue takes a part of a batch. */
static void work(mqd_t queue, int worker, int total)
{
	for (int sent = 0; sent < total;) {
		int count = total - sent < BATCH ? total - sent : BATCH;
		for (int i = 0; i < count; i++) {
			int length = snprintf(records[i], SIZE, "worker %d record %d",
					      worker, sent + i);
			batch[i] = (struct rsipc_mq_message){ records[i], (size_t)length, 0 };
		}
		int done = rsipc_mq_sendv(queue, batch, (unsigned)count);
		if (done == -1)
			err(1, "rsipc_mq_sendv");
		sent += done;
	}
}

static void write_log(mqd_t queue, long total)
{
	long calls = 0;
	for (long received = 0; received < total; calls++) {
		for (int i = 0; i < BATCH; i++)
			batch[i] = (struct rsipc_mq_message){ records[i], SIZE, 0 };
		int count = rsipc_mq_recvv(queue, batch, BATCH);
		if (count == -1)
			err(1, "rsipc_mq_recvv");
		for (int i = 0; i < count; i++)
			printf("%.*s\n", (int)batch[i].length, records[i]);
		received += count;
	}
	fflush(stdout);
	fprintf(stderr, "%ld records in %ld calls\n", total, calls);
}

int main(int argc, char **argv)
{
	int workers = argc == 3 ? atoi(argv[1]) : 0, each = argc == 3 ? atoi(argv[2]) : 0;
	if (workers < 1 || each < 1)
		errx(2, "usage: logger WORKERS RECORDS");
	char name[32];
	struct mq_attr attributes = { .mq_maxmsg = 2 * BATCH, .mq_msgsize = SIZE };
	snprintf(name, sizeof name, "/logger.%d", (int)getpid());
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	if (queue == (mqd_t)-1)
		err(1, "mq_open");
	mq_unlink(name);
	for (int i = 0; i < workers; i++) {
		pid_t pid = fork();
		if (pid == -1)
			err(1, "fork");
		if (pid == 0) {
			work(queue, i, each);
			_exit(0);
		}
	}
	write_log(queue, (long)workers * each);
	for (int i = 0, status; i < workers; i++)
		if (wait(&status) == -1 || status != 0)
			errx(1, "a worker failed");
	return 0;
}
