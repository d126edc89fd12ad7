/* The flags and the mode of shm_open, which are those of open; and what chmod and truncate make of
 * an object through its descriptor. */
#include "../course.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int attempt(const char *title, const char *name, int flags, mode_t mode)
{
	int fd = shm_open(name, flags, mode);
	struct stat status;
	if (fd == -1) {
		printf("%-36s %s\n", title, strerrorname_np(errno));
		return -1;
	}
	check(fstat(fd, &status), "fstat");
	printf("%-36s %ld bytes, mode %03o\n", title, (long)status.st_size, status.st_mode & 0777U);
	return fd;
}

int main(void)
{
	begin();
	struct name name = own_name("flags");
	umask(022);
	attempt("no O_CREAT, no object", name.text, O_RDWR, 0);
	int fd = attempt("O_CREAT, mode 666 under umask 022", name.text, O_CREAT | O_RDWR, 0666);
	attempt("O_CREAT and O_EXCL, it is there", name.text, O_CREAT | O_EXCL | O_RDWR, 0600);

	check(ftruncate(fd, 5000), "ftruncate");
	int reader = attempt("O_RDONLY after ftruncate to 5000", name.text, O_RDONLY, 0);
	printf("to truncate through it: %s\n", outcome(ftruncate(reader, 1)));
	void *memory = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0);
	printf("to map it for writing: %s\n", outcome(memory == MAP_FAILED ? -1 : 0));
	printf("it is closed by exec: %s\n", yes_no(fcntl(reader, F_GETFD) & FD_CLOEXEC));

	check(fchmod(fd, 0640), "fchmod");
	attempt("after fchmod to 640", name.text, O_RDONLY, 0);
	attempt("O_TRUNC", name.text, O_RDWR | O_TRUNC, 0);

	check(shm_unlink(name.text), "shm_unlink");
	attempt("after unlink", name.text, O_RDWR, 0);
	printf("the first descriptor goes on: %s\n", outcome(ftruncate(fd, 100)));
	printf("unlink again: %s\n", outcome(shm_unlink(name.text)));
	attempt("a slash in the middle of the name", "/course/flags", O_CREAT | O_RDWR, 0600);
	attempt("an empty name", "/", O_CREAT | O_RDWR, 0600);
	return EXIT_SUCCESS;
}
