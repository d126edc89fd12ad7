/* An exit status is one byte, whatever int is given to exit; 0 means success. wait packs it
 * together with how the process ended, so it has to be unpacked with the W macros. This is why main
 * returns an int. */
#include "../course.h"

#include <signal.h>

static void show(const char *what, pid_t child)
{
	int status;
	check(waitpid(child, &status, 0), "waitpid");
	printf("%-16s raw 0x%04x, ", what, status);
	if (WIFEXITED(status))
		printf("exited, status %d\n", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("ended by signal SIG%s\n", sigabbrev_np(WTERMSIG(status)));
}

int main(void)
{
	begin();
	static const int numbers[] = { 0, 1, 2, 255, 256, 259, -1 };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		pid_t child = fork_child();
		if (child == 0)
			exit(numbers[i]);
		char what[16];
		snprintf(what, sizeof(what), "exit(%d)", numbers[i]);
		show(what, child);
	}

	pid_t child = fork_child();
	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGKILL);
	show("kill -KILL", child);

	printf("what a shell shows in $?: %d\n", WEXITSTATUS(system("exit 5")));
	return EXIT_SUCCESS;
}
