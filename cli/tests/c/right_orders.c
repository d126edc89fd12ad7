/* Right programs with several locks, and with values that are shown. */
#include "right.h"


/* Locks that are taken in both orders, and what keeps the two apart. */
struct table {
	sem_t gate, others[8], forks[5], room;
	int next;
};

static void both(sem_t *one, sem_t *other)
{
	for (int round = 0; round < 4; round++) {
		take(one);
		take(other);
		give(other);
		give(one);
	}
}

static struct table *new_table(unsigned room)
{
	struct table *table = shared_memory();
	make(&table->gate, 1);
	make(&table->room, room);
	for (int i = 0; i < 8; i++)
		make(&table->others[i], 1);
	for (int i = 0; i < 5; i++)
		make(&table->forks[i], 1);
	return table;
}

static void all(sem_t *locks, void (*change)(sem_t *))
{
	for (int i = 0; i < 4; i++)
		change(&locks[i]);
}

/* The gate is the last of many locks, and the others are different ones. */
static void through_gate(struct table *table, int first)
{
	sem_t *others = &table->others[4 * first];
	for (int round = 0; round < 4; round++) {
		all(others, take);
		take(&table->gate);
		both(&table->forks[first], &table->forks[!first]);
		give(&table->gate);
		all(others, give);
	}
}

static void forth(void *argument)
{
	through_gate(argument, 0);
}

static void back(void *argument)
{
	through_gate(argument, 1);
}

static void gate(void)
{
	struct table *table = new_table(4);
	act(PROCESSES, (work[]){ forth, back, NULL }, table);
	act(THREADS, (work[]){ forth, back, NULL }, table);
}

/* Each philosopher has the forks i and i + 1. Four of the five at most are in the room. */
static void dine_in_room(void *argument)
{
	struct table *table = argument;
	int own = __atomic_fetch_add(&table->next, 1, __ATOMIC_SEQ_CST) % 5;
	for (int meal = 0; meal < 4; meal++) {
		take(&table->room);
		take(&table->forks[own]);
		take(&table->forks[(own + 1) % 5]);
		give(&table->forks[(own + 1) % 5]);
		give(&table->forks[own]);
		give(&table->room);
	}
}

/* Everybody takes the one with the lower number first. */
static void dine_in_order(void *argument)
{
	struct table *table = argument;
	int own = __atomic_fetch_add(&table->next, 1, __ATOMIC_SEQ_CST) % 5;
	int next = (own + 1) % 5;
	both(&table->forks[own < next ? own : next], &table->forks[own < next ? next : own]);
}

/* Who cannot have the second one at once gives back the first. */
static void dine_politely(void *argument)
{
	struct table *table = argument;
	int own = __atomic_fetch_add(&table->next, 1, __ATOMIC_SEQ_CST) % 5;
	for (int meal = 0; meal < 4;) {
		take(&table->forks[own]);
		if (sem_trywait(&table->forks[(own + 1) % 5]) == 0) {
			give(&table->forks[(own + 1) % 5]);
			meal++;
		}
		give(&table->forks[own]);
	}
}

static void philosophers(void)
{
	const work ways[] = { dine_in_room, dine_in_order, dine_politely };
	for (int way = 0; way < 3; way++) {
		for (enum actors actors = THREADS; actors <= PROCESSES; actors++) {
			const work w = ways[way];
			act(actors, (work[]){ w, w, w, w, w, NULL }, new_table(4));
		}
	}
}

/* The first order is that of a test before there is anybody else. */
static void forks_back(void *argument)
{
	struct table *table = argument;
	both(&table->forks[1], &table->forks[0]);
}

static void tried_before(void)
{
	for (enum actors actors = THREADS; actors <= PROCESSES; actors++) {
		struct table *table = new_table(4);
		both(&table->forks[0], &table->forks[1]);
		act(actors, (work[]){ forks_back, forks_back, NULL }, table);
	}
}

/* A barrier for use in a loop, with two turnstiles. */
struct barrier {
	sem_t counting, first, second;
	int count;
};

enum { MEMBERS = 3 };

static void meet(struct barrier *barrier)
{
	take(&barrier->counting);
	if (++barrier->count == MEMBERS) {
		take(&barrier->second);
		give(&barrier->first);
	}
	give(&barrier->counting);
	take(&barrier->first);
	give(&barrier->first);
	take(&barrier->counting);
	if (--barrier->count == 0) {
		take(&barrier->first);
		give(&barrier->second);
	}
	give(&barrier->counting);
	take(&barrier->second);
	give(&barrier->second);
}

static void turn(void *argument)
{
	for (int i = 0; i < 6; i++)
		meet(argument);
}

static void turnstiles(void)
{
	for (enum actors actors = THREADS; actors <= PROCESSES; actors++) {
		struct barrier *barrier = shared_memory();
		make(&barrier->counting, 1);
		make(&barrier->first, 0);
		make(&barrier->second, 1);
		act(actors, (work[]){ turn, turn, turn, NULL }, barrier);
		check(sem_destroy(&barrier->second), "sem_destroy");
	}
}

struct buffer {
	sem_t empty, full, lock;
	int numbers[2], in, out;
};

static void produce(void *argument)
{
	struct buffer *buffer = argument;
	for (int i = 0; i < 8; i++) {
		take(&buffer->empty);
		take(&buffer->lock);
		buffer->numbers[buffer->in++ % 2] = i;
		give(&buffer->lock);
		give(&buffer->full);
	}
}

static void consume(void *argument)
{
	struct buffer *buffer = argument;
	for (int i = 0; i < 8; i++) {
		take(&buffer->full);
		take(&buffer->lock);
		buffer->out += buffer->numbers[buffer->out % 2] >= 0;
		give(&buffer->lock);
		give(&buffer->empty);
	}
}

static void bounded_buffer(void)
{
	for (int run = 0; run < 4; run++) {
		struct buffer *buffer = shared_memory();
		make(&buffer->empty, run < 2 ? 1 : 2);
		make(&buffer->full, 0);
		make(&buffer->lock, 1);
		act(run % 2 == 0 ? THREADS : PROCESSES,
		    (work[]){ produce, consume, produce, consume, NULL }, buffer);
		check(sem_destroy(&buffer->empty), "sem_destroy");
	}
}

static int show(sem_t *semaphore)
{
	int value;
	check(sem_getvalue(semaphore, &value), "sem_getvalue");
	return printf("value %d\n", value);
}

/* The value is shown, before each step and after it. */
static void shown(void)
{
	sem_t *events = shared_memory();
	make(events, 0);
	for (int i = 0; i < 6; i++) {
		show(events);
		give(events);
		show(events);
		pid_t child = fork_child();
		if (child == 0) {
			take(events);
			exit(EXIT_SUCCESS);
		}
		expect_success(child);
	}
	int value;
	check(sem_getvalue(events, &value), "sem_getvalue");
	if (value != 0)
		die("value");
}

/* The only one that takes has what it saw: it does not wait. */
static void return_places(void *argument)
{
	for (int i = 0; i < 2; i++)
		give(argument);
}

static void taken_by_one(void)
{
	sem_t *places = shared_memory();
	make(places, 2);
	for (int i = 0; i < 6;) {
		int value;
		check(sem_getvalue(places, &value), "sem_getvalue");
		if (value > 0) {
			take(places);
			i++;
		} else {
			act(PROCESSES, (work[]){ return_places, NULL }, places);
		}
	}
}

static const struct exercise EXERCISES[] = {
	{ "gate", gate },
	{ "philosophers", philosophers },
	{ "tried_before", tried_before },
	{ "turnstiles", turnstiles },
	{ "bounded_buffer", bounded_buffer },
	{ "shown", shown },
	{ "taken_by_one", taken_by_one },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
