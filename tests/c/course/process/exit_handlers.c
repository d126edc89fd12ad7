/* Exit handlers are a stack: the one registered last runs first. on_exit also gets the status and
 * an argument. They run for exit and for return from main, never for _exit; a child inherits them.
 */
#include "../course.h"

static void close_files(void)
{
	printf("  registered first, runs last: closes the files\n");
}

static void say_status(int status, void *who)
{
	printf("  registered second: %s leaves with status %d\n", (const char *)who, status);
}

static void last_words(void)
{
	printf("  registered last, runs first\n");
	fflush(stdout);
}

int main(void)
{
	begin();
	atexit(close_files);
	on_exit(say_status, "the process");
	atexit(last_words);

	printf("a child calls exit(3)\n");
	pid_t child = fork_child();
	if (child == 0)
		exit(3);
	printf("its parent sees %d\n", wait_child(child));

	printf("a child calls _exit(4)\n");
	child = fork_child();
	if (child == 0)
		_exit(4);
	printf("its parent sees %d\n", wait_child(child));

	printf("main returns\n");
	return EXIT_SUCCESS;
}
