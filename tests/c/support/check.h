/* A file of checks: each CASE is one claim about the C API, run in a process of its own.
 *
 *   prog --list      a line per case: NAME, or NAME<tab>better<tab>REASON
 *   prog NAME        runs that case: exit status 0 = holds, 1 = does not (the failing line is on stderr)
 *   prog             runs every case, each in a child, and prints "N passed, N failed"
 *
 * A case marked CASE_BETTER is one that plain glibc does not hold; REASON says why, and
 * docs/glibc-behaviour.md tells the story.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* No case may take longer; a hang becomes a failure (SIGALRM ends the process). */
#define CHECK_SECONDS 20

struct check_case {
	const char *name;
	const char *better;
	void (*body)(void);
};

static struct check_case check_cases[256];
static int check_count;

static void check_register(const char *name, const char *better, void (*body)(void))
{
	check_cases[check_count++] = (struct check_case){ name, better, body };
}

#define CASE_(id, reason)                                                            \
	static void id(void);                                                        \
	__attribute__((constructor)) static void register_##id(void)                 \
	{                                                                            \
		check_register(#id, reason, id);                                     \
	}                                                                            \
	static void id(void)

#define CASE(id) CASE_(id, NULL)
#define CASE_BETTER(id, reason) CASE_(id, reason)

__attribute__((noreturn, format(printf, 3, 4), unused))
static void check_fail(const char *file, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

/* The condition holds. */
#define CHECK(condition)                                                             \
	do {                                                                         \
		if (!(condition))                                                    \
			check_fail(__FILE__, __LINE__, "not true: %s", #condition);  \
	} while (0)

/* Two integers are equal; both are shown when they are not. */
#define CHECK_EQ(got, want)                                                          \
	do {                                                                         \
		long long got_ = (long long)(got), want_ = (long long)(want);        \
		if (got_ != want_)                                                   \
			check_fail(__FILE__, __LINE__, "%s is %lld, expected %lld (%s)", #got, \
				   got_, want_, #want);                              \
	} while (0)

/* The call succeeds (anything but -1). */
#define CHECK_OK(call)                                                               \
	do {                                                                         \
		if ((long long)(call) == -1)                                         \
			check_fail(__FILE__, __LINE__, "%s failed: %s", #call, strerror(errno)); \
	} while (0)

/* The call fails with exactly this value of errno. `failed` is what it returns then. */
#define CHECK_FAILS_AS(call, failed, want)                                           \
	do {                                                                         \
		errno = 0;                                                           \
		if ((call) != (failed))                                              \
			check_fail(__FILE__, __LINE__, "%s did not fail", #call);    \
		if (errno != (want))                                                 \
			check_fail(__FILE__, __LINE__, "%s: %s, expected %s", #call, \
				   strerrorname_np(errno), strerrorname_np(want));   \
	} while (0)
#define CHECK_FAILS(call, want) CHECK_FAILS_AS(call, -1, want)

/* Waits for a child and checks that it ended with exit status 0. */
__attribute__((unused)) static void check_child(pid_t pid)
{
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		check_fail(__FILE__, __LINE__, "child %d ended with status 0x%x", (int)pid, status);
}

static int check_run_alone(const struct check_case *one)
{
	alarm(CHECK_SECONDS);
	one->body();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (int i = 0; i < check_count; i++)
			printf(check_cases[i].better ? "%s\tbetter\t%s\n" : "%s\n",
			       check_cases[i].name, check_cases[i].better);
		return 0;
	}
	int passed = 0, failed = 0;
	for (int i = 0; i < check_count; i++) {
		if (argc == 2) {
			if (strcmp(argv[1], check_cases[i].name) == 0)
				return check_run_alone(&check_cases[i]);
			continue;
		}
		fflush(NULL);
		pid_t pid = fork();
		if (pid == 0)
			_exit(check_run_alone(&check_cases[i]));
		int status;
		waitpid(pid, &status, 0);
		if (status == 0) {
			passed++;
		} else {
			failed++;
			printf("FAILED %s\n", check_cases[i].name);
		}
	}
	if (argc == 2) {
		fprintf(stderr, "no case %s\n", argv[1]);
		return 2;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}

#endif
