/* What the kernel does when a process ends, however it ends: it closes the descriptors, drops the
 * locks on files, and tells the parent by SIGCHLD. */
#include "../course.h"

#include <fcntl.h>
#include <signal.h>

static volatile sig_atomic_t children_ended;

static void on_child(int number)
{
	(void)number;
	children_ended++;
}

/* The process that holds a write lock on the file, or 0 when no other process does. */
static pid_t holder_of_lock(int file)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	check(fcntl(file, F_GETLK, &lock), "F_GETLK");
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

int main(void)
{
	begin();
	struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	check(sigaction(SIGCHLD, &action, NULL), "sigaction");
	struct name path = own_path("cleanup");
	int file = (int)check(open(path.text, O_CREAT | O_EXCL | O_RDWR, 0600), path.text);
	check(unlink(path.text), "unlink");
	int ends[2];
	check(pipe(ends), "pipe");

	pid_t child = fork_child();
	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		check(fcntl(file, F_SETLK, &lock), "F_SETLK");
		check(write(ends[1], "locked", 6), "write");
		for (;;)
			pause();
	}
	close(ends[1]);
	char buffer[8];
	check(read(ends[0], buffer, sizeof(buffer)), "read");
	printf("the child holds the lock: %s\n", yes_no(holder_of_lock(file) == child));
	printf("SIGCHLD so far: %d\n", (int)children_ended);

	kill(child, SIGKILL);
	printf("killed; its end of the pipe is closed: read returns %ld\n",
	       (long)read(ends[0], buffer, 1));
	wait_child(child);
	printf("no process holds the lock: %s\n", yes_no(holder_of_lock(file) == 0));
	printf("SIGCHLD: %d\n", (int)children_ended);
	return EXIT_SUCCESS;
}
