/* The timed calls wait until a time of day (not for a length of time), then give ETIMEDOUT. They
 * look at the clock only when they would have to wait. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>
#include <time.h>

static struct timespec in_milliseconds(long milliseconds)
{
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += milliseconds * 1000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static int is_over(struct timespec time)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec > time.tv_sec ||
	       (now.tv_sec == time.tv_sec && now.tv_nsec >= time.tv_nsec);
}

int main(void)
{
	begin();
	struct name name = own_name("timed");
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 16 };
	mqd_t queue = (mqd_t)check(mq_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes),
				   "mq_open");
	check(mq_unlink(name.text), "mq_unlink");
	char buffer[16];
	struct timespec past = { 0 }, invalid = { .tv_nsec = 1000000000 };

	struct timespec soon = in_milliseconds(30);
	printf("receive from the empty queue: %s",
	       outcome(mq_timedreceive(queue, buffer, 16, NULL, &soon)));
	printf(", the time is over: %s\n", yes_no(is_over(soon)));
	printf("with a time in the past: %s\n",
	       outcome(mq_timedreceive(queue, buffer, 16, NULL, &past)));
	printf("with a billion nanoseconds: %s\n",
	       outcome(mq_timedreceive(queue, buffer, 16, NULL, &invalid)));

	printf("send in the past, there is room: %s\n",
	       outcome(mq_timedsend(queue, "first", 6, 0, &past)));
	soon = in_milliseconds(30);
	printf("send to the full queue: %s", outcome(mq_timedsend(queue, "second", 7, 0, &soon)));
	printf(", the time is over: %s\n", yes_no(is_over(soon)));
	printf("receive in the past, there is a message: %s\n",
	       outcome(mq_timedreceive(queue, buffer, 16, NULL, &past)));

	pid_t child = fork_child();
	if (child == 0) {
		struct timespec late = in_milliseconds(20000);
		long result = mq_timedreceive(queue, buffer, 16, NULL, &late);
		printf("a child waits, and is woken before its time: %s, \"%s\"\n", outcome(result),
		       buffer);
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	check(mq_send(queue, "in time", 8, 0), "mq_send");
	expect_success(child);
	return EXIT_SUCCESS;
}
