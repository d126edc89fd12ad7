/* Several writers and several readers on one queue, which is where a queue is better than a pipe:
 * every message goes to exactly one reader, whole. Which one is up to the scheduler; a message of
 * the lowest priority, one for each reader, tells them that there is no more. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>

enum { WRITERS = 3, READERS = 3, MESSAGES = 2000, URGENT = 1, LAST = 0 };

struct message {
	int writer, number;
	long check;
};

static struct message make(int writer, int number)
{
	return (struct message){ writer, number, writer * 1000003L ^ number };
}

/* What a reader has got, for the parent. */
struct result {
	int count[WRITERS], torn, out_of_order;
	long sum;
};

static void write_messages(mqd_t queue, int writer)
{
	for (int i = 1; i <= MESSAGES; i++) {
		struct message message = make(writer, i);
		check(mq_send(queue, (const char *)&message, sizeof(message), URGENT), "mq_send");
	}
}

static struct result read_messages(mqd_t queue)
{
	struct result result = { 0 };
	int last[WRITERS] = { 0 };
	for (;;) {
		struct message message;
		unsigned priority;
		long size = check(mq_receive(queue, (char *)&message, sizeof(message), &priority),
				  "mq_receive");
		if (priority == LAST)
			return result;
		if (size != sizeof(message) ||
		    message.check != make(message.writer, message.number).check) {
			result.torn++;
			continue;
		}
		if (message.number <= last[message.writer])
			result.out_of_order++;
		last[message.writer] = message.number;
		result.count[message.writer]++;
		result.sum += message.number;
	}
}

int main(void)
{
	begin();
	struct name name = own_name("many");
	struct mq_attr attributes = { .mq_maxmsg = 8, .mq_msgsize = sizeof(struct message) };
	mqd_t queue = (mqd_t)check(mq_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes),
				   "mq_open");
	check(mq_unlink(name.text), "mq_unlink");
	int results[2];
	check(pipe(results), "pipe");

	pid_t readers[READERS], writers[WRITERS];
	for (int i = 0; i < READERS; i++) {
		if ((readers[i] = fork_child()) == 0) {
			struct result result = read_messages(queue);
			check(write(results[1], &result, sizeof(result)), "write");
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		if ((writers[i] = fork_child()) == 0) {
			write_messages(queue, i);
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < WRITERS; i++)
		expect_success(writers[i]);
	for (int i = 0; i < READERS; i++)
		check(mq_send(queue, "", 0, LAST), "mq_send");

	struct result all = { 0 };
	for (int i = 0; i < READERS; i++) {
		struct result one;
		expect_success(readers[i]);
		check(read(results[0], &one, sizeof(one)), "read");
		for (int writer = 0; writer < WRITERS; writer++)
			all.count[writer] += one.count[writer];
		all.torn += one.torn;
		all.out_of_order += one.out_of_order;
		all.sum += one.sum;
	}
	for (int i = 0; i < WRITERS; i++)
		printf("writer %d: %d messages sent, %d received\n", i, MESSAGES, all.count[i]);
	printf("sum %ld of %ld\n", all.sum, WRITERS * (MESSAGES * (MESSAGES + 1L) / 2));
	printf("torn %d, out of order for one reader %d\n", all.torn, all.out_of_order);
	return EXIT_SUCCESS;
}
