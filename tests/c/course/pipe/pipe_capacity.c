/* A pipe holds only so much; then write blocks, or gives EAGAIN when it must not. Linux lets one
 * ask for the capacity and change it. */
#include "../course.h"

#include <fcntl.h>

static long fill(int write_end)
{
	char byte = 'x';
	long count = 0;
	while (write(write_end, &byte, 1) == 1)
		count++;
	return count;
}

static void empty(int read_end)
{
	char block[4096];
	while (read(read_end, block, sizeof(block)) > 0)
		continue;
}

int main(void)
{
	begin();
	int ends[2];
	check(pipe2(ends, O_NONBLOCK), "pipe2");

	long capacity = check(fcntl(ends[1], F_GETPIPE_SZ), "F_GETPIPE_SZ");
	printf("it holds what F_GETPIPE_SZ says: %s\n", yes_no(fill(ends[1]) == capacity));
	printf("one byte more: %s\n", outcome(write(ends[1], "x", 1)));
	empty(ends[0]);

	capacity = check(fcntl(ends[1], F_SETPIPE_SZ, 1), "F_SETPIPE_SZ");
	printf("the least that one can set is a page: %s\n",
	       yes_no(capacity == sysconf(_SC_PAGESIZE)));
	printf("it holds that: %s\n", yes_no(fill(ends[1]) == capacity));
	return EXIT_SUCCESS;
}
