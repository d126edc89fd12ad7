/* A shared file mapping: memory that starts as the contents of a file and is carried back to it.
 * Processes that are not related share it by the name of the file. Here the second process is this
 * program again.
 *
 *   mmap_file             makes a file, and starts the second process
 *   mmap_file count PATH  the second process: counts and changes what it finds
 */
#include "../course.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char text[] = "two processes, one page\n";

static char *map_whole(const char *path, size_t *size)
{
	int fd = (int)check(open(path, O_RDWR), path);
	struct stat status;
	check(fstat(fd, &status), "fstat");
	*size = (size_t)status.st_size;
	char *memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	/* The mapping stays when the descriptor is closed. */
	close(fd);
	return memory;
}

static void second_process(const char *path)
{
	size_t size;
	char *memory = map_whole(path, &size);
	printf("second process: the memory is the file, %zu bytes: %s", size, memory);
	for (size_t i = 0; i < size; i++)
		memory[i] = (char)toupper((unsigned char)memory[i]);
}

static void first_process(const char *program)
{
	struct name path = own_path("mapped");
	int fd = (int)check(open(path.text, O_CREAT | O_EXCL | O_RDWR, 0600), path.text);
	check(write(fd, text, sizeof(text)), "write");
	size_t size;
	char *memory = map_whole(path.text, &size);

	pid_t child = fork_child();
	if (child == 0) {
		execl(program, "mmap_file", "count", path.text, NULL);
		die("exec");
	}
	expect_success(child);
	printf("first process, in memory: %s", memory);

	char buffer[sizeof(text)];
	check(pread(fd, buffer, sizeof(buffer), 0), "pread");
	printf("first process, in the file: %s", buffer);
	memory[0] = 't';
	check(pread(fd, buffer, sizeof(buffer), 0), "pread");
	printf("a byte of memory is changed, in the file: %s", buffer);
	check(msync(memory, size, MS_SYNC), "msync");
	printf("msync has brought it to the disk\n");

	check(munmap(memory, size), "munmap");
	close(fd);
	check(unlink(path.text), "unlink");
}

int main(int argc, char **argv)
{
	begin();
	if (argc == 3 && strcmp(argv[1], "count") == 0)
		second_process(argv[2]);
	else
		first_process("/proc/self/exe");
	return EXIT_SUCCESS;
}
