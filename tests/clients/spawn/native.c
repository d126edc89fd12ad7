/* C programs start others in many ways; the child closes all that it does not need. With vfork it
 * does so in the memory of its parent. Crystal's runtime is one that resets the signals, closes and
 * executes there. */
#include <spawn.h>
#include <sys/wait.h>

#include "parent.h"

enum { LOWEST = 3, MANY = 256 };

static void run_true(void)
{
	execl("/bin/true", "true", (char *)NULL);
	_exit(127);
}

static void reset_signals(void)
{
	sigset_t none;
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The ways of a child to be rid of what its parent had open. */
static void by_close(void)
{
	for (int fd = LOWEST; fd < MANY; fd++)
		close(fd);
}

static void by_close_range(void)
{
	close_range(LOWEST, ~0u, 0);
}

static void by_closefrom(void)
{
	closefrom(LOWEST);
}

static void by_dup2(void)
{
	for (int fd = LOWEST; fd < 16; fd++)
		dup2(0, fd);
}

static void by_mq_close(void)
{
	for (int fd = LOWEST; fd < 16; fd++)
		mq_close(fd);
}

struct way {
	const char *name;
	void (*close_all)(void);
};

static int ended_well(pid_t child)
{
	int status;
	pid_t waited;
	do
		waited = waitpid(child, &status, 0);
	while (waited == -1 && errno == EINTR);
	return waited == child && status == 0;
}

/* The child of vfork calls nothing that is inlined here: its parent goes on in this frame. */
__attribute__((noinline)) static pid_t start_by_vfork(const struct way *way)
{
	pid_t child = vfork();
	if (child == 0) {
		reset_signals();
		way->close_all();
		run_true();
	}
	return child;
}

static pid_t start_by_fork(const struct way *way)
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		way->close_all();
		run_true();
	}
	return child;
}

static pid_t start_by_posix_spawn(const struct parent *parent)
{
	char *argv[] = { "true", NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclose(&actions, parent->queue);
	posix_spawn_file_actions_adddup2(&actions, 0, parent->epoll);
	int error = posix_spawn(&child, "/bin/true", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -1 : child;
}

static void spawn_closing(const struct way *way, const char *by, pid_t (*start)(const struct way *))
{
	char name[64];
	snprintf(name, sizeof name, "%s.%s", by, way->name);
	struct parent parent = parent_open();
	parent_claim(name, "starts", ended_well(start(way)));
	parent_check(&parent, name);
}

int main(void)
{
	static const struct way ways[] = {
		{ "close", by_close },
		{ "close_range", by_close_range },
		{ "closefrom", by_closefrom },
		{ "dup2", by_dup2 },
		{ "mq_close", by_mq_close },
	};
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
		spawn_closing(&ways[i], "vfork", start_by_vfork);
		spawn_closing(&ways[i], "fork", start_by_fork);
	}

	struct parent parent = parent_open();
	parent_claim("posix_spawn", "starts", ended_well(start_by_posix_spawn(&parent)));
	parent_check(&parent, "posix_spawn");

	parent = parent_open();
	parent_claim("system", "starts", system("exec 3>&- 4>&- 5>&-; true") == 0);
	parent_check(&parent, "system");

	parent = parent_open();
	FILE *pipe = popen("exec 3>&- 4>&- 5>&-; true", "r");
	parent_claim("popen", "starts", pipe && pclose(pipe) == 0);
	parent_check(&parent, "popen");
	return 0;
}
