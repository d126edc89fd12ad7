/* The smallest pipe: one process puts bytes in at one end and takes them out at the other, in the
 * order in which they went in. */
#include "../course.h"

int main(void)
{
	begin();
	int ends[2];
	check(pipe(ends), "pipe");
	printf("two descriptors, one to read and one to write: %s\n", yes_no(ends[0] != ends[1]));

	long written = check(write(ends[1], "test", 5), "write");
	printf("wrote %ld bytes\n", written);
	char buffer[8];
	long count = check(read(ends[0], buffer, 2), "read");
	printf("read %ld bytes: \"%.*s\"\n", count, (int)count, buffer);
	count = check(read(ends[0], buffer, sizeof(buffer)), "read");
	printf("read %ld bytes: \"%s\", the end of the string with them\n", count, buffer);

	printf("there is no way back: lseek gives %s\n", outcome(lseek(ends[0], 0, SEEK_SET)));
	printf("and the ends are not swapped: write to the read end gives %s\n",
	       outcome(write(ends[0], "x", 1)));
	return EXIT_SUCCESS;
}
