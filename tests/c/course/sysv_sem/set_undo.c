/* SEM_UNDO: what a process did with it is taken back at its end. The account is the process's own:
 * a child does not inherit it, a new program keeps it. What cannot be taken back whole is taken
 * back as far as it goes, for no process can wait any more. */
#include "set.h"

#include <signal.h>

enum { START = 10 };

/* A child that does this and ends. */
static void in_a_child(int set, const char *what, void (*act)(int set))
{
	set_value(set, 0, START);
	pid_t child = fork_child();
	if (child == 0) {
		act(set);
		exit(EXIT_SUCCESS);
	}
	int status = wait_child(child);
	printf("%s: %d, status %d\n", what, value(set, 0), status);
}

static void take_with_undo(int set)
{
	change(set, 0, -3, SEM_UNDO);
}

static void take_without(int set)
{
	change(set, 0, -3, 0);
}

static void take_and_give_back(int set)
{
	change(set, 0, -3, SEM_UNDO);
	change(set, 0, 3, SEM_UNDO);
}

static void give_back_without(int set)
{
	change(set, 0, -3, SEM_UNDO);
	change(set, 0, 3, 0);
}

static void add_and_lose(int set)
{
	change(set, 0, 5, SEM_UNDO);
	change(set, 0, -START, 0);
	change(set, 0, -2, 0);
}

static void take_and_be_killed(int set)
{
	change(set, 0, -3, SEM_UNDO);
	raise(SIGKILL);
}

static void take_and_be_set(int set)
{
	change(set, 0, -3, SEM_UNDO);
	set_value(set, 0, 20);
}

static void take_and_fork(int set)
{
	change(set, 0, -3, SEM_UNDO);
	pid_t child = fork_child();
	if (child == 0)
		exit(EXIT_SUCCESS);
	expect_success(child);
	printf("  a child of the holder has ended: %d\n", value(set, 0));
	fflush(stdout);
}

static void take_and_become_another_program(int set)
{
	change(set, 0, -3, SEM_UNDO);
	execlp("sh", "sh", "-c", "exit 7", (char *)NULL);
	die("execlp");
}

/* While the new program runs, the semaphore is held. */
static void show_exec(int set)
{
	set_value(set, 0, START);
	int ends[2];
	check(pipe(ends), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		check(close(ends[1]), "close");
		check(dup2(ends[0], STDIN_FILENO), "dup2");
		change(set, 0, -3, SEM_UNDO);
		execlp("cat", "cat", (char *)NULL);
		die("execlp");
	}
	check(close(ends[0]), "close");
	while (value(set, 0) == START)
		usleep(1000);
	printf("the new program runs: %d\n", value(set, 0));
	check(close(ends[1]), "close");
	expect_success(child);
	printf("the new program has ended: %d\n", value(set, 0));
}

int main(void)
{
	begin();
	int set = own_set(1);
	in_a_child(set, "-3 without SEM_UNDO", take_without);
	in_a_child(set, "-3 with SEM_UNDO", take_with_undo);
	in_a_child(set, "-3 and +3 with it", take_and_give_back);
	in_a_child(set, "-3 with it, +3 without", give_back_without);
	in_a_child(set, "+5 with it, and 3 are left", add_and_lose);
	in_a_child(set, "-3 with it, and killed", take_and_be_killed);
	in_a_child(set, "-3 with it, then SETVAL 20", take_and_be_set);
	in_a_child(set, "-3 with it, and a child", take_and_fork);
	in_a_child(set, "-3 with it, then exec", take_and_become_another_program);
	show_exec(set);
	remove_set(set);
	return EXIT_SUCCESS;
}
