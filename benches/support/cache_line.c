/* What it costs to have a cache line changed by the other processor, and back: two processes on two
 * processors count in turn. No queue takes part. It is what a message from one processor to the
 * other costs at least. */
#include "bench.h"

/* Only its holder stores to it: the partner while it is odd. */
static volatile uint64_t *line;

static void there_and_back(void *unused)
{
	(void)unused;
	uint64_t back = *line + 2;
	*line = back - 1;
	while (*line != back)
		continue;
}

int main(void)
{
	struct bench_places places = bench_places("two");
	line = bench_shared(sizeof *line);
	pid_t partner = bench_fork(places.there);
	while (partner == 0)
		if (*line & 1)
			*line = *line + 1;
	bench_pin(places.here);
	double ns = bench_loop(there_and_back, NULL, 100);
	bench_end(partner);
	return bench_report(ns, "mq_send");
}
