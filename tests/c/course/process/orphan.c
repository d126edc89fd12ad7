/* When a parent ends first, its child lives on and is adopted: by init, or by the nearest ancestor
 * that asked for it (PR_SET_CHILD_SUBREAPER), which then has to wait for it. */
#include "../course.h"

#include <sys/prctl.h>

int main(void)
{
	begin();
	check(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
	pid_t grandparent = getpid();

	pid_t parent = fork_child();
	if (parent == 0) {
		pid_t me = getpid();
		if (fork_child() == 0) {
			printf("grandchild: I was born\n");
			while (getppid() == me)
				usleep(1000);
			printf("grandchild: my parent has ended, I have not\n");
			printf("grandchild: the grandparent has adopted me: %s\n",
			       yes_no(getppid() == grandparent));
			exit(9);
		}
		_exit(8);
	}

	printf("grandparent: my child left with status %d\n", wait_child(parent));
	int status;
	check(wait(&status), "wait");
	printf("grandparent: and a process that I never forked with status %d\n",
	       WEXITSTATUS(status));
	return EXIT_SUCCESS;
}
