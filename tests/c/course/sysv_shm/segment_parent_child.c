/* A segment without a key, IPC_PRIVATE: only a process that is forked after shmget knows its id.
 * The child attaches it by itself, at an address of its own; the memory is the same. */
#include "segment.h"

enum { NUMBERS = 256 };

static void child_adds_up(int segment)
{
	int *numbers = attach(segment, 0);
	long sum = 0;
	for (int i = 0; i < NUMBERS; i++)
		sum += numbers[i];
	printf("child: %lu attached, the sum is %ld\n", attached(segment), sum);
	numbers[0] = (int)sum;
	detach(numbers);
	exit(EXIT_SUCCESS);
}

int main(void)
{
	begin();
	int segment = segment_of(IPC_PRIVATE, NUMBERS * sizeof(int), 0600);
	int *numbers = attach(segment, 0);
	printf("parent: a new segment holds %d\n", numbers[NUMBERS - 1]);
	for (int i = 0; i < NUMBERS; i++)
		numbers[i] = i;
	detach(numbers);
	printf("parent: %lu attached\n", attached(segment));

	pid_t child = fork_child();
	if (child == 0)
		child_adds_up(segment);
	expect_success(child);

	numbers = attach(segment, SHM_RDONLY);
	printf("parent: the child has left %d\n", numbers[0]);
	detach(numbers);
	remove_segment(segment);
	printf("parent: shmat after IPC_RMID: %s\n", outcome((long)shmat(segment, NULL, 0)));
	return EXIT_SUCCESS;
}
