/* Calls that the library replaces, in a program that has no queue.
 *
 *   calls select|poll|closefrom|close|dup2 NUMBER
 *
 *   select NUMBER      of so many descriptors, the last of which is asked for
 *   poll NUMBER        of so many entries, all open
 *   closefrom NUMBER   one descriptor is open there
 *   close NUMBER       of that descriptor, which is opened by a system call before
 *   dup2 NUMBER        of a descriptor onto that one
 */
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include "../support/bench.h"

enum { MOST = 1024 };

static int number, ends[2];
static struct pollfd entries[MOST];

static void open_there(void)
{
	BENCH_NEED(syscall(SYS_dup3, ends[0], number, 0) == number);
}

static void call_select(void *argument)
{
	fd_set set;
	struct timeval now = { 0, 0 };
	(void)argument;
	FD_ZERO(&set);
	FD_SET(number - 1, &set);
	BENCH_NEED(select(number, &set, NULL, NULL, &now) == 0);
}

static void call_poll(void *argument)
{
	(void)argument;
	BENCH_NEED(poll(entries, (nfds_t)number, 0) == 0);
}

#if __GLIBC_PREREQ(2, 34)
static void call_closefrom(void *argument)
{
	(void)argument;
	open_there();
	closefrom(number);
}
#endif

static void call_close(void *argument)
{
	(void)argument;
	open_there();
	BENCH_NEED(close(number) == 0);
}

static void call_dup2(void *argument)
{
	(void)argument;
	BENCH_NEED(dup2(ends[0], number) == number);
}

static const struct {
	const char *name;
	void (*call)(void *);
} calls[] = {
	{ "select", call_select },
	{ "poll", call_poll },
	{ "close", call_close },
	{ "dup2", call_dup2 },
#if __GLIBC_PREREQ(2, 34)
	{ "closefrom", call_closefrom },
#endif
};

/* Opens what the calls are made on. */
static void prepare(const char *name)
{
	struct rlimit limit;
	BENCH_NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max < 2 * MOST ? limit.rlim_max : 2 * MOST;
	BENCH_NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	BENCH_NEED(pipe(ends) == 0 && number > 0 && number <= MOST);
	if (strcmp(name, "select") == 0)
		BENCH_NEED(syscall(SYS_dup3, ends[0], number - 1, 0) == number - 1);
	if (strcmp(name, "poll") == 0)
		for (int i = 0; i < number; i++)
			entries[i] = (struct pollfd){ (int)syscall(SYS_dup, ends[0]), POLLIN, 0 };
}

int main(int argc, char **argv)
{
	bench_pin(1);
	for (unsigned i = 0; argc == 3 && i < sizeof calls / sizeof *calls; i++) {
		if (strcmp(argv[1], calls[i].name) != 0)
			continue;
		number = atoi(argv[2]);
		prepare(argv[1]);
		return bench_report(bench_loop(calls[i].call, NULL, 16), argv[1]);
	}
	fprintf(stderr, "usage: select|poll|closefrom|close|dup2 NUMBER\n");
	return 2;
}
