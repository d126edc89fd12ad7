/* One thread, random messages, and a model that knows which one must come next.
 *
 *   mq_model DEPTH MSGSIZE STEPS SEED
 *
 * The model is a list for each priority and a bit for each list that is not empty. The run goes
 * through spells of filling, draining and standing, with few or many priorities, so that the queue
 * is full and empty again and again. */
#include "model.h"

enum { PRIORITIES = 32768, NONE = -1 };

/* Messages are numbered; the model keeps those that are in the queue, by the place in `entries`. */
struct entry {
	uint32_t id, length;
	int next;
};

static struct entry *entries;
static int free_entry;
static int first[PRIORITIES], last[PRIORITIES];
static uint64_t filled[PRIORITIES / 64];

static void model_start(int depth)
{
	entries = calloc((size_t)depth, sizeof *entries);
	MUST(entries);
	for (int i = 0; i < depth; i++)
		entries[i].next = i + 1 < depth ? i + 1 : NONE;
	for (int i = 0; i < PRIORITIES; i++)
		first[i] = last[i] = NONE;
}

static void model_add(uint32_t id, uint32_t length, unsigned priority)
{
	int at = free_entry;
	free_entry = entries[at].next;
	entries[at] = (struct entry){ id, length, NONE };
	if (first[priority] == NONE)
		first[priority] = at;
	else
		entries[last[priority]].next = at;
	last[priority] = at;
	filled[priority / 64] |= 1ull << priority % 64;
}

/* Takes out what must come next. */
static struct entry model_take(unsigned *priority)
{
	int word = PRIORITIES / 64 - 1;
	while (!filled[word])
		word--;
	*priority = (unsigned)(word * 64 + 63 - __builtin_clzll(filled[word]));
	int at = first[*priority];
	struct entry entry = entries[at];
	first[*priority] = entry.next;
	if (entry.next == NONE)
		filled[word] &= ~(1ull << *priority % 64);
	entries[at].next = free_entry;
	free_entry = at;
	return entry;
}

/* How the run behaves for a while. */
struct spell {
	unsigned send_percent, priorities, lowest;
	int steps;
};

static struct spell next_spell(uint64_t *random, int depth)
{
	static const unsigned sends[] = { 20, 50, 50, 80 };
	static const unsigned ranges[] = { 1, 2, 5, 100, PRIORITIES };
	struct spell spell = { .send_percent = sends[random_next(random) % 4] };
	spell.priorities = ranges[random_next(random) % 5];
	spell.lowest = random_next(random) % (PRIORITIES - spell.priorities + 1);
	spell.steps = (int)(random_next(random) % (2 * (unsigned)depth + 20)) + 1;
	return spell;
}

int main(int argc, char **argv)
{
	MUST(argc == 5);
	int depth = atoi(argv[1]), msgsize = atoi(argv[2]);
	long steps = atol(argv[3]);
	uint64_t random = random_seed(strtoull(argv[4], NULL, 0));
	mqd_t queue = queue_without_name(depth, msgsize);
	MUST(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL) == 0);
	struct message *message = malloc((size_t)msgsize);
	MUST(message && msgsize >= (int)sizeof *message);
	model_start(depth);

	int held = 0, full = 0, empty = 0;
	uint32_t id = 0;
	struct spell spell = { .steps = 0 };
	for (long step = 0; step < steps; step++) {
		if (spell.steps-- == 0)
			spell = next_spell(&random, depth);
		if (random_next(&random) % 100 < spell.send_percent) {
			unsigned priority = spell.lowest + random_next(&random) % spell.priorities;
			uint32_t room = (uint32_t)msgsize - (uint32_t)sizeof *message;
			uint32_t length = (uint32_t)sizeof *message +
					  random_next(&random) % (room + 1);
			message_fill(message, id, length);
			if (held == depth) {
				MUST(mq_send(queue, (char *)message, length, priority) == -1);
				MUST(errno == EAGAIN);
				full++;
				continue;
			}
			MUST(mq_send(queue, (char *)message, length, priority) == 0);
			model_add(id++, length, priority);
			held++;
		} else {
			unsigned priority, expected;
			ssize_t length = mq_receive(queue, (char *)message, (size_t)msgsize,
						    &priority);
			if (held == 0) {
				MUST(length == -1 && errno == EAGAIN);
				empty++;
				continue;
			}
			struct entry entry = model_take(&expected);
			MUST(length == entry.length);
			MUST(priority == expected);
			MUST(message->id == entry.id);
			MUST(message_is_whole(message, (size_t)length));
			held--;
		}
		if (step % 64 == 0)
			MUST(queue_count(queue) == held);
	}
	MUST(queue_count(queue) == held);
	printf("%u messages, met %d times full, %d times empty\n", id, full, empty);
	return 0;
}
