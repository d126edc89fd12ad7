/* Producers and consumers in processes of their own, and a judge that knows when each call began
 * and ended.
 *
 *   mq_exchange DEPTH MSGSIZE MESSAGES SEED at-once|when-full
 *
 * Each of PRODUCERS sends MESSAGES; the consumers begin at once or when the queue is full. All draw
 * their times from one counter in shared memory, before and after each call. Whatever the
 * interleaving, these must hold:
 *   - each message is received once, whole, with its priority;
 *   - of two messages of one priority, the first of which had been sent before the other's send
 *     began, the second is not received before the receive of the first begins;
 *   - a receive does not give a message while one of higher priority, whose send had returned
 *     before the receive began, stays in the queue.
 */
#include "model.h"

enum { PRODUCERS = 4, CONSUMERS = 4, PRIORITIES = 32768 };

static const uint32_t STOP = 0xffffffff;

struct record {
	uint32_t send_begin, send_end, receive_begin, receive_end, priority;
	atomic_uint received;
};

static struct {
	atomic_uint *clock;
	struct record *records;
	uint32_t each, total;
	int msgsize;
	mqd_t queue;
} run;

static uint32_t tick(void)
{
	/* Time begins with 1: 0 in a record means never. */
	return atomic_fetch_add(run.clock, 1) + 1;
}

static void produce(uint32_t who, uint64_t seed)
{
	uint64_t random = random_seed(seed * PRODUCERS + who);
	struct message *message = malloc((size_t)run.msgsize);
	unsigned range = (unsigned[]){ 1, 4, 50, PRIORITIES }[random_next(&random) % 4];
	for (uint32_t i = 0; i < run.each; i++) {
		uint32_t id = who * run.each + i;
		struct record *record = &run.records[id];
		uint32_t room = (uint32_t)run.msgsize - (uint32_t)sizeof *message;
		uint32_t length = (uint32_t)sizeof *message + random_next(&random) % (room + 1);
		record->priority = random_next(&random) % range;
		message_fill(message, id, length);
		record->send_begin = tick();
		MUST(mq_send(run.queue, (char *)message, length, record->priority) == 0);
		record->send_end = tick();
	}
}

static void consume(void)
{
	struct message *message = malloc((size_t)run.msgsize);
	for (;;) {
		unsigned priority;
		uint32_t begin = tick();
		ssize_t length = mq_receive(run.queue, (char *)message, (size_t)run.msgsize,
					    &priority);
		uint32_t end = tick();
		MUST(length > 0 && message_is_whole(message, (size_t)length));
		if (message->id == STOP)
			return;
		MUST(message->id < run.total);
		struct record *record = &run.records[message->id];
		MUST(atomic_fetch_add(&record->received, 1) == 0);
		MUST(record->priority == priority);
		record->receive_begin = begin;
		record->receive_end = end;
	}
}

/* For each priority the latest begin of a receive among the messages seen so far, as a Fenwick tree
 * of maxima over the priorities from the highest down. */
static uint32_t latest_from[PRIORITIES + 1], latest_at[PRIORITIES];

static void note(uint32_t priority, uint32_t begin)
{
	if (latest_at[priority] < begin)
		latest_at[priority] = begin;
	for (uint32_t i = PRIORITIES - priority; i <= PRIORITIES; i += i & -i)
		if (latest_from[i] < begin)
			latest_from[i] = begin;
}

static uint32_t latest_above(uint32_t priority)
{
	uint32_t latest = 0;
	for (uint32_t i = PRIORITIES - 1 - priority; i > 0; i -= i & -i)
		if (latest < latest_from[i])
			latest = latest_from[i];
	return latest;
}

/* `latest` is the latest begin of a receive among those that should come before this one. */
static void did_not_overtake(const struct record *record, uint32_t latest, const char *rule)
{
	if (latest <= record->receive_end)
		return;
	dprintf(2,
		"%s: sent at %u..%u with priority %u, received at %u..%u, before one that was received "
		"from %u on\n",
		rule, record->send_begin, record->send_end, record->priority, record->receive_begin,
		record->receive_end, latest);
	_exit(1);
}

/* Goes through all times in order; what has been sent by then takes part. A receive of it that
 * begins after the end of ours means that it stayed in the queue all the while. */
static void judge(void)
{
	uint32_t times = atomic_load(run.clock);
	uint32_t *whose = calloc(times + 1, sizeof *whose);
	MUST(whose);
	for (uint32_t id = 0; id < run.total; id++) {
		struct record *record = &run.records[id];
		MUST(atomic_load(&record->received) == 1);
		whose[record->send_begin] = whose[record->send_end] = whose[record->receive_begin] =
			id + 1;
	}
	for (uint32_t time = 1; time <= times; time++) {
		if (!whose[time])
			continue;
		struct record *record = &run.records[whose[time] - 1];
		if (time == record->send_end)
			note(record->priority, record->receive_begin);
		else if (time == record->send_begin)
			did_not_overtake(record, latest_at[record->priority], "first in first out");
		else
			did_not_overtake(record, latest_above(record->priority),
					 "highest priority first");
	}
	free(whose);
}

static pid_t start_consumer(void)
{
	pid_t pid = fork();
	MUST(pid != -1);
	if (pid == 0) {
		consume();
		_exit(0);
	}
	return pid;
}

static pid_t start_producer(uint32_t who, uint64_t seed)
{
	pid_t pid = fork();
	MUST(pid != -1);
	if (pid == 0) {
		produce(who, seed);
		_exit(0);
	}
	return pid;
}

int main(int argc, char **argv)
{
	MUST(argc == 6);
	int depth = atoi(argv[1]);
	uint64_t seed = strtoull(argv[4], NULL, 0);
	bool when_full = strcmp(argv[5], "when-full") == 0;
	run.msgsize = atoi(argv[2]);
	run.each = (uint32_t)atol(argv[3]);
	run.total = PRODUCERS * run.each;
	run.clock = shared_memory(sizeof *run.clock);
	run.records = shared_memory(run.total * sizeof *run.records);
	run.queue = queue_without_name(depth, run.msgsize);

	MUST(!when_full || run.total >= (uint32_t)depth);
	pid_t producers[PRODUCERS], consumers[CONSUMERS];
	for (uint32_t i = 0; i < PRODUCERS; i++)
		producers[i] = start_producer(i, seed);
	while (when_full && queue_count(run.queue) < depth)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	for (int i = 0; i < CONSUMERS; i++)
		consumers[i] = start_consumer();
	for (int i = 0; i < PRODUCERS; i++)
		must_succeed(producers[i]);
	struct message stop = { STOP, 0 };
	for (int i = 0; i < CONSUMERS; i++) {
		message_fill(&stop, STOP, sizeof stop);
		MUST(mq_send(run.queue, (char *)&stop, sizeof stop, 0) == 0);
	}
	for (int i = 0; i < CONSUMERS; i++)
		must_succeed(consumers[i]);
	judge();
	queue_is_sound(run.queue);
	printf("%u messages in order\n", run.total);
	return 0;
}
