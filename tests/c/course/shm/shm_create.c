/* A shared memory object is created by name, gets a size with ftruncate and is reached through
 * mmap. A second process that knows only the name finds the size with fstat. */
#include "../course.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SIZE = 10000 };

static char *map(int fd, size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void second_process(const char *name)
{
	int fd = (int)check(shm_open(name, O_RDWR, 0), "shm_open");
	struct stat status;
	check(fstat(fd, &status), "fstat");
	printf("second process: the object has %ld bytes, mode %o\n", (long)status.st_size,
	       status.st_mode & 0777U);
	char *memory = map(fd, (size_t)status.st_size);
	printf("second process: it says \"%s\"\n", memory);
	strcpy(memory + SIZE / 2, "and this is from the second");
	exit(EXIT_SUCCESS);
}

int main(void)
{
	begin();
	struct name name = own_name("create");
	int fd = (int)check(shm_open(name.text, O_CREAT | O_EXCL | O_RDWR, 0600), "shm_open");
	struct stat status;
	check(fstat(fd, &status), "fstat");
	printf("a new object has %ld bytes\n", (long)status.st_size);
	check(ftruncate(fd, SIZE), "ftruncate");
	char *memory = map(fd, SIZE);
	printf("its bytes are zero: %s\n", yes_no(memory[0] == 0 && memory[SIZE - 1] == 0));
	strcpy(memory, "this is from the first");

	pid_t child = fork_child();
	if (child == 0)
		second_process(name.text);
	expect_success(child);
	printf("first process: it says \"%s\"\n", memory + SIZE / 2);

	check(munmap(memory, SIZE), "munmap");
	close(fd);
	check(shm_unlink(name.text), "shm_unlink");
	return EXIT_SUCCESS;
}
