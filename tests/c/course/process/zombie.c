/* A process that has ended stays in the table of processes, as a zombie, until its parent takes the
 * exit status with wait. Then its number is gone. */
#include "../course.h"

#include <signal.h>

static char state_of(pid_t pid)
{
	char path[64], state;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *stat = fopen(path, "r");
	if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		die(path);
	fclose(stat);
	return state;
}

int main(void)
{
	begin();
	pid_t child = fork_child();
	if (child == 0)
		exit(5);

	/* WNOWAIT: wait for the end, but leave the status where it is. */
	siginfo_t info;
	check(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), "waitid");
	printf("the child has ended with status %d; it has not been waited for\n", info.si_status);
	printf("its state is %c\n", state_of(child));
	printf("the number is still taken: kill(child, 0) gives %s\n", outcome(kill(child, 0)));

	printf("wait takes the status: %d\n", wait_child(child));
	printf("now kill(child, 0) gives %s\n", outcome(kill(child, 0)));
	printf("and wait finds no more children: %s\n", outcome(wait(NULL)));
	return EXIT_SUCCESS;
}
