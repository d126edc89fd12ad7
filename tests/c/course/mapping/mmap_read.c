/* A file read through a pointer: no read, no buffer, no lseek. The pages come in one by one when
 * they are first touched, or all at once with MAP_POPULATE; getrusage counts these page faults.
 *
 *   mmap_read [FILE]   counts its lines both ways
 */
#include "../course.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { LINES = 100000 };

static long lines_by_read(int fd)
{
	char block[4096];
	long count, lines = 0;
	while ((count = check(read(fd, block, sizeof(block)), "read")) > 0)
		for (long i = 0; i < count; i++)
			lines += block[i] == '\n';
	return lines;
}

static long page_faults(void)
{
	struct rusage usage;
	check(getrusage(RUSAGE_SELF, &usage), "getrusage");
	return usage.ru_minflt + usage.ru_majflt;
}

static long lines_by_pointer(int fd, int populate, long *faults)
{
	struct stat status;
	check(fstat(fd, &status), "fstat");
	size_t size = (size_t)status.st_size;
	const char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE | populate, fd, 0);
	if (text == MAP_FAILED)
		die("mmap");
	/* Otherwise the kernel maps the neighbours of a touched page with it. */
	check(madvise((void *)text, size, MADV_RANDOM), "madvise");

	long before = page_faults(), lines = 0;
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	*faults = page_faults() - before;
	check(munmap((void *)text, size), "munmap");
	return lines;
}

int main(int argc, char **argv)
{
	begin();
	struct name own = own_path("lines");
	const char *path = argc > 1 ? argv[1] : own.text;
	if (argc == 1) {
		FILE *file = fopen(path, "wx");
		if (file == NULL)
			die(path);
		for (int i = 0; i < LINES; i++)
			fprintf(file, "line %d\n", i);
		fclose(file);
	}

	int fd = (int)check(open(path, O_RDONLY), path);
	long touched, populated;
	printf("by read:                   %ld lines\n", lines_by_read(fd));
	printf("by pointer:                %ld lines\n", lines_by_pointer(fd, 0, &touched));
	printf("by pointer, MAP_POPULATE:  %ld lines\n",
	       lines_by_pointer(fd, MAP_POPULATE, &populated));
	printf("MAP_POPULATE saves page faults: %s\n", yes_no(populated < touched));
	close(fd);
	if (argc == 1)
		check(unlink(path), "unlink");
	return EXIT_SUCCESS;
}
