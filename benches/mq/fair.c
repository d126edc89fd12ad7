/* fair senders|receivers: four senders and one receiver, or one sender and four receivers, of one
 * queue, on two processors for two seconds. Prints nanoseconds for a message, the file that mq_send
 * came from, and the ratio of what the least served thread got to what the most served one got. */
#include "small_queue.h"

enum { MESSAGES = 10, MANY = 4, SECONDS = 2 };

int main(int argc, char **argv)
{
	int many_senders = argc == 2 && strcmp(argv[1], "senders") == 0;
	if (!many_senders && !(argc == 2 && strcmp(argv[1], "receivers") == 0)) {
		fprintf(stderr, "usage: senders|receivers\n");
		return 2;
	}
	bench_pin(3);
	mqd_t queue = small_queue(MESSAGES);
	struct bench_counter *served = bench_shared((MANY + 1) * sizeof *served);
	/* The last one is alone on its side. */
	pid_t crowd[MANY + 1];
	for (int i = 0; i <= MANY; i++) {
		static char body[SMALL];
		int sends = many_senders == (i < MANY);
		crowd[i] = bench_fork(3);
		while (crowd[i] == 0) {
			if (sends)
				BENCH_NEED(mq_send(queue, body, SMALL, 0) == 0);
			else
				BENCH_NEED(mq_receive(queue, body, SMALL, NULL) == SMALL);
			served[i].count++;
		}
	}

	uint64_t before[MANY], least = UINT64_MAX, most = 0, all = 0;
	usleep(BENCH_WARM_MS * 1000);
	for (int i = 0; i < MANY; i++)
		before[i] = served[i].count;
	uint64_t start = bench_now_ns();
	sleep(SECONDS);
	double passed = (double)(bench_now_ns() - start);
	for (int i = 0; i < MANY; i++) {
		uint64_t got = served[i].count - before[i];
		least = got < least ? got : least;
		most = got > most ? got : most;
		all += got;
	}
	for (int i = 0; i <= MANY; i++)
		bench_end(crowd[i]);
	BENCH_NEED(all > 0);
	bench_report(passed / (double)all, "mq_send");
	return printf("%.3f\n", (double)least / (double)most) < 0;
}
