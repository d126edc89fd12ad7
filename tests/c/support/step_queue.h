/* Victims that send to a queue, or receive from it. */
#ifndef SUPPORT_STEP_QUEUE_H
#define SUPPORT_STEP_QUEUE_H

#include <sys/ioctl.h>
#include "queue.h"
#include "step.h"

/* Many a trial waits for most of its time. */
enum { AT_A_TIME = 48 };

static mqd_t queue, elsewhere;

static mqd_t unnamed_queue(const char *tag, long depth)
{
	char name[64];
	snprintf(name, sizeof name, "/chk.%d.%d.%s", (int)check_names->owner, (int)getpid(), tag);
	struct mq_attr attr = { .mq_maxmsg = depth, .mq_msgsize = 8 };
	mqd_t made = queue_create_patiently(name, &attr);
	/* Opened by its name, it is mapped under its name. */
	mqd_t opened = mq_open(name, O_RDWR);
	CHECK_OK(opened);
	CHECK_OK(mq_close(made));
	CHECK_OK(mq_unlink(name));
	return opened;
}

/* The queue, and another one for the rehearsal. The trial is pinned to one processor. */
__attribute__((unused)) static void step_queues(long depth)
{
	queue = unnamed_queue("step", depth);
	elsewhere = unnamed_queue("elsewhere", depth);
	step_on_one_processor();
}

/* Also a wake: what a process needs for its first one takes many instructions. */
__attribute__((unused)) static void rehearse(void)
{
	char got[8];
	int told[2];
	pid_t number = 0;
	CHECK_OK(pipe(told));
	pid_t sleeper = check_fork();
	if (sleeper == 0) {
		number = number_in_proc();
		CHECK_EQ(write(told[1], &number, sizeof number), sizeof number);
		_exit(mq_receive(elsewhere, got, sizeof got, NULL) != 1);
	}
	CHECK_EQ(read(told[0], &number, sizeof number), sizeof number);
	CHECK_OK(close(told[0]));
	CHECK_OK(close(told[1]));
	CHECK_SOON(asleep(number, number));
	CHECK_OK(mq_send(elsewhere, "x", 1, 0));
	check_child(sleeper);
	CHECK_OK(mq_send(elsewhere, "x", 1, 0));
	CHECK_OK(mq_receive(elsewhere, got, sizeof got, NULL));
}

__attribute__((unused)) static void send_one(void)
{
	mq_send(queue, "x", 1, 0);
}

__attribute__((unused)) static void receive_one(void)
{
	char got[8];
	mq_receive(queue, got, sizeof got, NULL);
}

/* What others can see of the queue: the memory that is mapped for it, the level of its FIFO, and
 * what the kernel says. */
__attribute__((unused)) static unsigned long queue_seen(void)
{
	static const volatile unsigned char *from, *to;
	static bool looked;
	char line[512];
	FILE *maps = looked ? NULL : fopen("/proc/self/maps", "re");
	while (maps && !from && fgets(line, sizeof line, maps))
		if (strstr(line, "rsipc-mq.") && strstr(line, ".step"))
			CHECK_EQ(sscanf(line, "%p-%p", (void **)&from, (void **)&to), 2);
	if (maps)
		fclose(maps);
	looked = true;
	CHECK(from || !getenv("LD_PRELOAD"));
	unsigned long hash = (unsigned long)queue_count(queue);
	int level = 0;
	ioctl(queue, FIONREAD, &level);
	hash = hash * 31 + (unsigned long)level;
	for (const volatile unsigned char *byte = from; byte < to; byte++)
		hash = (hash ^ *byte) * 1099511628211u;
	return hash;
}

__attribute__((unused)) static void try_each_step(int (*trial)(int), int counts[STEP_ENDS])
{
	memset(counts, 0, STEP_ENDS * sizeof counts[0]);
	if (getenv("CHECK_EVERY_STEP"))
		step_trials(trial, AT_A_TIME, counts);
	else
		step_trials_at_changes(trial, queue_seen, AT_A_TIME, counts);
}

#endif
