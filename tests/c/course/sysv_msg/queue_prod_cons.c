/* Producers and consumers over one queue: each item has the type of the consumers that are to have
 * it, and each consumer asks for its own. The queue holds few bytes, so the producers have to
 * wait. */
#include "queue.h"

#include <sys/mman.h>

enum { KINDS = 3, CONSUMERS_OF_A_KIND = 2, ITEMS = 2000, PLACES = 16 };

struct item {
	long kind;
	int value;
};

enum { SIZE = sizeof(struct item) - sizeof(long) };

struct total {
	long count, sum;
	int of_another_kind;
};

static void produce(int queue, long kind)
{
	for (int i = 1; i <= ITEMS; i++) {
		struct item item = { .kind = kind, .value = i };
		check(msgsnd(queue, &item, SIZE, 0), "msgsnd");
	}
	/* One end for each consumer. */
	for (int i = 0; i < CONSUMERS_OF_A_KIND; i++)
		check(msgsnd(queue, &(struct item){ .kind = kind }, SIZE, 0), "msgsnd");
}

static void consume(int queue, long kind, struct total *total)
{
	for (struct item item;;) {
		check(msgrcv(queue, &item, SIZE, kind, 0), "msgrcv");
		if (item.value == 0)
			return;
		__atomic_add_fetch(&total->count, 1, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&total->sum, item.value, __ATOMIC_SEQ_CST);
		if (item.kind != kind)
			__atomic_add_fetch(&total->of_another_kind, 1, __ATOMIC_SEQ_CST);
	}
}

static int narrow_queue(void)
{
	int queue = own_queue();
	struct msqid_ds limits = status(queue);
	limits.msg_qbytes = PLACES * SIZE;
	check(msgctl(queue, IPC_SET, &limits), "IPC_SET");
	return queue;
}

int main(void)
{
	begin();
	int queue = narrow_queue();
	struct total *totals = mmap(NULL, KINDS * sizeof(*totals), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		die("mmap");
	pid_t children[KINDS][1 + CONSUMERS_OF_A_KIND];
	for (int kind = 0; kind < KINDS; kind++) {
		for (int i = 0; i <= CONSUMERS_OF_A_KIND; i++) {
			if ((children[kind][i] = fork_child()) != 0)
				continue;
			if (i == 0)
				produce(queue, kind + 1);
			else
				consume(queue, kind + 1, &totals[kind]);
			exit(EXIT_SUCCESS);
		}
	}
	for (int kind = 0; kind < KINDS; kind++) {
		for (int i = 0; i <= CONSUMERS_OF_A_KIND; i++)
			expect_success(children[kind][i]);
		printf("kind %d: %ld items, sum %ld of %ld, of another kind %d\n", kind + 1,
		       totals[kind].count, totals[kind].sum, ITEMS * (ITEMS + 1L) / 2,
		       totals[kind].of_another_kind);
	}
	printf("left: %lu\n", (unsigned long)status(queue).msg_qnum);
	remove_queue(queue);
	return EXIT_SUCCESS;
}
