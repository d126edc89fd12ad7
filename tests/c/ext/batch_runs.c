/* rsipc_mq_sendv and rsipc_mq_recvv in queues of all depths: the order of delivery, beside other
 * senders and receivers, and beside processes that are killed. */
#include <rsipc.h>
#include "../support/queue.h"
#include "../support/step.h"

#include <stdatomic.h>

enum { MOST = 64, PRIORITIES = 4, SENDERS = 3 };

/* A body: who sent it, and as which of its priority. */
struct numbered {
	int sender, priority, number;
};

struct batch {
	struct rsipc_mq_message messages[MOST];
	struct numbered bodies[MOST];
};

static mqd_t queue_of(long maxmsg)
{
	return queue_create(0, O_RDWR, maxmsg, sizeof(struct numbered));
}

static void say(struct batch *batch, int i, struct numbered body)
{
	batch->bodies[i] = body;
	batch->messages[i] = (struct rsipc_mq_message){ &batch->bodies[i], sizeof body,
							(unsigned)body.priority };
}

static int receive(mqd_t queue, struct batch *batch, int count)
{
	for (int i = 0; i < count; i++)
		batch->messages[i] = (struct rsipc_mq_message){ &batch->bodies[i],
								sizeof batch->bodies[i], 99 };
	int received = rsipc_mq_recvv(queue, batch->messages, (unsigned)count);
	CHECK(received > 0);
	for (int i = 0; i < received; i++) {
		CHECK_EQ(batch->messages[i].length, sizeof batch->bodies[i]);
		CHECK_EQ(batch->messages[i].priority, batch->bodies[i].priority);
	}
	return received;
}

/* What is in the queue, by priority: the numbers from `gone` up to `sent`. */
struct content {
	int sent[PRIORITIES], gone[PRIORITIES];
};

static int best_of(const struct content *content)
{
	int best = PRIORITIES - 1;
	while (best >= 0 && content->gone[best] == content->sent[best])
		best--;
	return best;
}

/* The next one in the order of delivery. */
static void check_next(struct content *content, struct numbered got)
{
	int best = best_of(content);
	CHECK_EQ(got.priority, best);
	CHECK_EQ(got.number, content->gone[best]++);
}

static int amount(const struct content *content)
{
	int amount = 0;
	for (int i = 0; i < PRIORITIES; i++)
		amount += content->sent[i] - content->gone[i];
	return amount;
}

static void send_some(mqd_t queue, struct content *content, int count, unsigned *seed)
{
	static struct batch batch;
	for (int i = 0; i < count; i++) {
		int priority = rand_r(seed) % PRIORITIES;
		say(&batch, i, (struct numbered){ 0, priority, content->sent[priority]++ });
	}
	if (count == 1)
		CHECK_OK(mq_send(queue, (char *)batch.bodies, sizeof batch.bodies[0],
				 batch.messages[0].priority));
	else if (count > 0)
		CHECK_EQ(rsipc_mq_sendv(queue, batch.messages, (unsigned)count), count);
}

static void receive_some(mqd_t queue, struct content *content, int count)
{
	static struct batch batch;
	if (count == 0)
		return;
	CHECK_EQ(receive(queue, &batch, count), count);
	for (int i = 0; i < count; i++)
		check_next(content, batch.bodies[i]);
}

/* Batches and single calls of one thread, as the seed says. */
static void orders_at_depth(long maxmsg, unsigned seed)
{
	struct content content = { { 0 }, { 0 } };
	mqd_t queue = queue_of(maxmsg);
	for (int step = 0; step < 4000; step++) {
		int there = amount(&content), space = (int)maxmsg - there;
		int count = 1 + rand_r(&seed) % MOST;
		/* Mostly it fills up, then it empties. */
		if (rand_r(&seed) % 8 < (step / 500 % 2 ? 2 : 6))
			send_some(queue, &content, count < space ? count : space, &seed);
		else
			receive_some(queue, &content, count < there ? count : there);
		CHECK_EQ(queue_count(queue), amount(&content));
	}
	CHECK_OK(mq_close(queue));
	CHECK_OK(mq_unlink(queue_name(0)));
}

CASE(batches_and_single_calls_keep_the_order_of_delivery_at_any_depth)
{
	static const long depths[] = { 1, 10, 32, 33, 64, 100, 1000, 1500, 5000 };
	for (unsigned i = 0; i < sizeof depths / sizeof *depths; i++)
		orders_at_depth(depths[i], 1 + i);
}

/* Sends `total` messages of each priority, by batches or one by one. */
static void send_all(mqd_t queue, int sender, int total)
{
	static struct batch batch;
	unsigned seed = (unsigned)sender;
	int sent[PRIORITIES] = { 0 };
	for (int left = total * PRIORITIES; left > 0;) {
		int count = 1 + rand_r(&seed) % 32, next[PRIORITIES];
		memcpy(next, sent, sizeof next);
		count = count < left ? count : left;
		for (int i = 0; i < count; i++) {
			int priority = rand_r(&seed) % PRIORITIES;
			while (next[priority] == total)
				priority = (priority + 1) % PRIORITIES;
			say(&batch, i, (struct numbered){ sender, priority, next[priority]++ });
		}
		int done = rsipc_mq_sendv(queue, batch.messages, (unsigned)count);
		CHECK(done > 0);
		for (int i = 0; i < done; i++)
			sent[batch.bodies[i].priority]++;
		left -= done;
	}
}

struct tally {
	int last[SENDERS][PRIORITIES];
	long count, sum;
	atomic_int is_done;
};

/* Of one sender and priority a receiver gets them in the order in which they were sent. */
static void count_in(struct tally *tally, struct numbered got)
{
	int *last = &tally->last[got.sender][got.priority];
	CHECK(got.number >= *last);
	*last = got.number + 1;
	tally->count++;
	tally->sum += got.number;
}

static void receive_all(mqd_t queue, struct tally *tally)
{
	static struct batch batch;
	for (;;) {
		int received = receive(queue, &batch, 32);
		for (int i = 0; i < received; i++) {
			/* The last of all: one for each receiver, below all priorities. */
			if (batch.bodies[i].sender == SENDERS) {
				CHECK_EQ(i, received - 1);
				tally->is_done = 1;
				return;
			}
			count_in(tally, batch.bodies[i]);
		}
	}
}

static void crowd_at_depth(long maxmsg)
{
	enum { TOTAL = 3000, RECEIVERS = 2 };
	struct tally *tallies = mmap(NULL, sizeof(struct tally[RECEIVERS]), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(tallies != MAP_FAILED);
	mqd_t queue = queue_of(maxmsg);
	pid_t senders[SENDERS], receivers[RECEIVERS];
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = check_fork();
		if (senders[i] == 0) {
			send_all(queue, i, TOTAL);
			_exit(0);
		}
	}
	for (int i = 0; i < RECEIVERS; i++) {
		receivers[i] = check_fork();
		if (receivers[i] == 0) {
			receive_all(queue, &tallies[i]);
			_exit(0);
		}
	}
	for (int i = 0; i < SENDERS; i++)
		check_child(senders[i]);
	CHECK_SOON(queue_count(queue) == 0);
	for (int i = 0; i < RECEIVERS; i++) {
		/* Each ends the receiver that gets it, which may not get the next one, too. */
		struct numbered end = { SENDERS, 0, 0 };
		CHECK_OK(mq_send(queue, (char *)&end, sizeof end, 0));
		CHECK_SOON(tallies[0].is_done + tallies[1].is_done == i + 1);
	}
	for (int i = 0; i < RECEIVERS; i++)
		check_child(receivers[i]);
	struct tally all = tallies[0];
	all.count += tallies[1].count, all.sum += tallies[1].sum;
	CHECK_EQ(all.count, (long)SENDERS * PRIORITIES * TOTAL);
	CHECK_EQ(all.sum, (long)SENDERS * PRIORITIES * TOTAL * (TOTAL - 1) / 2);
	CHECK_OK(mq_close(queue));
	CHECK_OK(mq_unlink(queue_name(0)));
}

CASE(batches_of_a_crowd_keep_the_order_of_each_sender)
{
	crowd_at_depth(10);
	crowd_at_depth(64);
	crowd_at_depth(1100);
}

enum { KILLED_DEPTH = 70, KILLED_COUNT = 40 };

static mqd_t victims;
static struct batch victims_batch;

static void call_recvv(void)
{
	receive(victims, &victims_batch, KILLED_COUNT / 2);
}

static void fill(void)
{
	static struct batch batch;
	struct timespec none = { 0, 0 };
	struct numbered got;
	while (mq_timedreceive(victims, (char *)&got, sizeof got, NULL, &none) != -1)
		;
	for (int i = 0; i < KILLED_COUNT; i++)
		say(&batch, i, (struct numbered){ 0, 1, i });
	CHECK_EQ(rsipc_mq_sendv(victims, batch.messages, KILLED_COUNT), KILLED_COUNT);
}

static void rehearse(void)
{
	call_recvv();
	fill();
}

/* A receiver of a batch that is killed: the messages from some number on are left, in their order;
 * then there is space for as many as the queue holds. */
static int killed_trial(int steps)
{
	static struct batch batch;
	step_on_one_processor();
	struct mq_attr attr = { .mq_maxmsg = KILLED_DEPTH, .mq_msgsize = sizeof(struct numbered) };
	char name[64];
	snprintf(name, sizeof name, "%s-%d", queue_name(0), (int)getpid());
	victims = queue_create_patiently(name, &attr);
	CHECK_OK(mq_unlink(name));
	fill();
	pid_t victim = step_victim(rehearse, call_recvv);
	int in_call = step_many(victim, steps < 8 ? steps : 8 + (steps - 8) * 41);
	step_kill(victim);
	int left = (int)queue_count(victims), next = KILLED_COUNT - left;
	CHECK(next >= 0 && next <= KILLED_COUNT / 2);
	while (left > 0) {
		int received = receive(victims, &batch, MOST);
		for (int i = 0; i < received; i++)
			CHECK_EQ(batch.bodies[i].number, next++);
		left -= received;
	}
	CHECK_EQ(queue_count(victims), 0);
	struct numbered more = { 0 };
	for (int i = 0; i < KILLED_DEPTH; i++)
		CHECK_OK(mq_send(victims, (char *)&more, sizeof more, 0));
	CHECK_EQ(queue_count(victims), KILLED_DEPTH);
	CHECK_OK(mq_close(victims));
	return in_call ? STEP_LATE : STEP_OVER;
}

CASE(batch_killed_at_any_instruction_leaves_the_rest_in_its_order)
{
	int counts[STEP_ENDS] = { 0 };
	queue_name(0);
	step_trials(killed_trial, 4, counts);
	CHECK(counts[STEP_LATE] > 0 && counts[STEP_OVER] > 0);
}
