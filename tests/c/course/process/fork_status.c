/* fork() makes a second process; its exit status travels back through wait().
 *
 *   fork_status          the child leaves with status 7
 *   fork_status -        the child asks for the status on standard input
 *   fork_status NUMBER   the child leaves with that status
 */
#include "../course.h"

static int choose_status(const char *argument)
{
	if (argument == NULL)
		return 7;
	if (strcmp(argument, "-") != 0)
		return atoi(argument);

	int status;
	printf("child: which status shall I leave with? ");
	fflush(stdout);
	return scanf("%d", &status) == 1 ? status : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	begin();
	pid_t parent = getpid();
	printf("parent: there is one process\n");

	pid_t child = fork_child();
	if (child == 0) {
		printf("child: fork gave me 0\n");
		printf("child: my parent is the process that called fork: %s\n",
		       yes_no(getppid() == parent));
		int status = choose_status(argc > 1 ? argv[1] : NULL);
		printf("child: I leave with status %d\n", status);
		exit(status);
	}

	int status;
	pid_t ended = (pid_t)check(wait(&status), "wait");
	printf("parent: fork gave me the number of the child, wait the same one: %s\n",
	       yes_no(ended == child));
	printf("parent: it left with status %d\n", WEXITSTATUS(status));
	return EXIT_SUCCESS;
}
