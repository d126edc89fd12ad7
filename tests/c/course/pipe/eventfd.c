/* An eventfd is a counter behind a descriptor: write adds to it, read takes all of it, or one at a
 * time when it was made as a semaphore. Reading a zero and writing past the end block, or give
 * EAGAIN. */
#include "../course.h"

#include <stdint.h>
#include <sys/eventfd.h>

static void add(int counter, uint64_t amount)
{
	long result = write(counter, &amount, sizeof(amount));
	printf("  add 0x%llx: %s\n", (unsigned long long)amount, outcome(result));
}

static void take(int counter)
{
	uint64_t amount;
	if (read(counter, &amount, sizeof(amount)) == -1)
		printf("  take: %s\n", outcome(-1));
	else
		printf("  take: got 0x%llx\n", (unsigned long long)amount);
}

int main(void)
{
	begin();
	printf("a counter that starts at 5\n");
	int counter = (int)check(eventfd(5, EFD_NONBLOCK), "eventfd");
	add(counter, 2);
	take(counter);
	take(counter);

	printf("the largest value is all ones but one\n");
	add(counter, UINT64_MAX - 1);
	add(counter, 1);
	add(counter, UINT64_MAX);
	uint32_t half = 1;
	printf("  4 bytes instead of 8: write %s", outcome(write(counter, &half, sizeof(half))));
	printf(", read %s\n", outcome(read(counter, &half, sizeof(half))));
	close(counter);

	printf("a semaphore that starts at 2\n");
	counter = (int)check(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE), "eventfd");
	take(counter);
	take(counter);
	take(counter);
	add(counter, 1);
	take(counter);
	close(counter);

	printf("a child that waits for its parent\n");
	counter = (int)check(eventfd(0, 0), "eventfd");
	pid_t child = fork_child();
	if (child == 0) {
		take(counter);
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	uint64_t amount = 7;
	check(write(counter, &amount, sizeof(amount)), "write");
	expect_success(child);
	return EXIT_SUCCESS;
}
