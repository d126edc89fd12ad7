/* A segment over fork, exec and the end of a process: a child inherits what is attached; a new
 * program has nothing attached; the end of a process, however it comes, detaches all. */
#include "segment.h"

#include <signal.h>

/* A child that inherits the segment, and lives until it is killed. */
static pid_t heir(void)
{
	pid_t child = fork_child();
	if (child == 0)
		for (;;)
			pause();
	return child;
}

static void another_program(const char *id)
{
	int segment = atoi(id);
	printf("another program: %lu attached", attached(segment));
	char *text = attach(segment, SHM_RDONLY);
	printf(", then %lu; %s\n", attached(segment), text);
	/* It does not detach: its end does. */
}

int main(int argc, char **argv)
{
	begin();
	if (argc == 2) {
		another_program(argv[1]);
		return EXIT_SUCCESS;
	}
	int segment = segment_of(IPC_PRIVATE, 100, 0600);
	char *text = attach(segment, 0);
	strcpy(text, "from the parent");

	pid_t children[3];
	for (int i = 0; i < 3; i++)
		children[i] = heir();
	printf("three children: %lu attached\n", attached(segment));
	for (int i = 0; i < 3; i++) {
		check(kill(children[i], SIGKILL), "kill");
		printf("killed: %d, ", wait_child(children[i]));
		printf("%lu attached\n", attached(segment));
	}

	pid_t child = fork_child();
	if (child == 0) {
		char id[20];
		snprintf(id, sizeof id, "%d", segment);
		execl("/proc/self/exe", argv[0], id, NULL);
		die("execl");
	}
	expect_success(child);
	printf("it has ended: %lu attached\n", attached(segment));
	detach(text);
	remove_segment(segment);
	return EXIT_SUCCESS;
}
