/* What a process holds with SEM_UNDO it holds on, although it leaves its table of descriptors at
 * once and becomes another program. Prints "done". */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOUND_S = 20 };
/* Members of the set. */
enum { HELD, TELLS, MEMBERS };

static int must(int result)
{
	if (result == -1) {
		perror("table");
		exit(1);
	}
	return result;
}

static void adds(int set, int member, int change, int flags)
{
	struct sembuf operation = { (unsigned short)member, (short)change, (short)flags };
	must(semop(set, &operation, 1));
}

static void holds(int set, const char *program)
{
	char text[16];
	alarm(BOUND_S);
	snprintf(text, sizeof text, "%d", set);
	adds(set, HELD, -1, SEM_UNDO);
	must(unshare(CLONE_FILES));
	must(execl(program, program, text, NULL));
}

static void is_the_next_program(int set)
{
	adds(set, TELLS, 1, 0);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	alarm(BOUND_S);
	if (argc > 1)
		is_the_next_program(atoi(argv[1]));
	int set = must(semget(IPC_PRIVATE, MEMBERS, 0600));
	adds(set, HELD, 1, 0);
	pid_t child = must(fork());
	if (child == 0)
		holds(set, argv[0]);
	adds(set, TELLS, -1, 0);
	int held = must(semctl(set, HELD, GETVAL));
	must(kill(child, SIGKILL));
	must(waitpid(child, NULL, 0));
	int given_back = must(semctl(set, HELD, GETVAL));
	must(semctl(set, 0, IPC_RMID));
	if (held != 0 || given_back != 1) {
		fprintf(stderr, "table: %d while it is held, then %d\n", held, given_back);
		return 1;
	}
	puts("done");
	return 0;
}
