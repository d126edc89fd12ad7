/* A file of checks: each CASE is one claim about the C API, run in a process of its own.
 *
 *   prog --list      a line per case: NAME, or NAME<tab>better<tab>REASON
 *   prog NAME        runs that case: exit status 0 = holds, 1 = does not (the failing line is on
 *                    stderr), 77 = cannot be tried here (the reason is on stderr)
 *   prog             runs every case and prints "N passed, N failed, N skipped"
 *
 * A case marked CASE_BETTER is one that plain glibc does not hold; REASON says why, and
 * docs/glibc-behaviour.md tells the story.
 *
 * CHECK_SECONDS in the environment bounds a case (20 when unset): a hang becomes a failure. When a
 * case is over, what it forked is killed and the objects it named with check_name() are removed. */
#ifndef CHECK_H
#define CHECK_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "older.h"

#define CHECK_SKIPPED 77

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

/* How long a case may take. */
static unsigned check_seconds(void)
{
	const char *set = getenv("CHECK_SECONDS");
	return set ? (unsigned)atoi(set) : 20;
}

/* The condition becomes true within half of the time of the case, or half a minute if that is more:
 * a thread may get no processor for that long on a busy machine. */
#define CHECK_SOON(condition)                                                        \
	do {                                                                         \
		unsigned left_ = check_seconds() > 60 ? check_seconds() * 500 : 30000; \
		while (!(condition)) {                                               \
			if (left_-- == 0)                                            \
				check_fail(__FILE__, __LINE__,                       \
					   "did not become true: %s", #condition);   \
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);   \
		}                                                                    \
	} while (0)

/* This machine or user cannot try the case: counted as skipped, never as passed. Not
 * for children. */
#define CHECK_SKIP(reason)                                                           \
	do {                                                                         \
		fprintf(stderr, "skipped: %s\n", reason);                            \
		_exit(CHECK_SKIPPED);                                                \
	} while (0)

/* A second safety net, for a process that no other one is left to end. The first: check_ended(). */
static void check_end_some_day(void)
{
	alarm(check_seconds() + 5);
}

/* fork(), for a child that is bounded in time like the case itself. */
__attribute__((unused)) static pid_t check_fork(void)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == -1)
		check_fail(__FILE__, __LINE__, "fork failed: %s", strerror(errno));
	if (pid == 0)
		check_end_some_day();
	return pid;
}

/* Waits for a child and checks that it ended with exit status 0. */
__attribute__((unused)) static void check_child(pid_t pid)
{
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		check_fail(__FILE__, __LINE__, "child %d ended with status 0x%x", (int)pid, status);
}

/* The names given out, in memory that the case, its children and the one that cleans up share. */
static struct check_names {
	pid_t owner;
	unsigned count;
	char name[64][300];
} *check_names;

/* A name "/chk.PID.NUMBER.TAG" that no other program uses, of `length` bytes after the slash (0: as
 * many as it has). */
__attribute__((unused)) static const char *check_name_of(const char *tag, size_t length)
{
	unsigned index = __atomic_fetch_add(&check_names->count, 1, __ATOMIC_RELAXED);
	CHECK(index < 64);
	char *name = check_names->name[index];
	size_t used = (size_t)snprintf(name, 300, "/chk.%d.%u.%s", (int)check_names->owner, index,
				       tag);
	CHECK(used < 299 && length < 299);
	if (length + 1 > used) {
		memset(name + used, 'x', length + 1 - used);
		name[length + 1] = 0;
	}
	return name;
}

__attribute__((unused)) static const char *check_name(const char *tag)
{
	return check_name_of(tag, 0);
}

/* Removes the objects named by check_name(), and those whose names begin so. */
static void check_remove_names(void)
{
	char prefix[32];
	size_t length = (size_t)snprintf(prefix, sizeof prefix, "chk.%d.", (int)check_names->owner);
	DIR *dir = opendir("/dev/shm");
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		const char *name = entry->d_name + (strncmp(entry->d_name, "sem.", 4) == 0 ? 4 : 0);
		if (strncmp(name, prefix, length) == 0)
			unlinkat(dirfd(dir), entry->d_name,
				 entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	}
	if (dir)
		closedir(dir);
	for (unsigned i = 0; i < check_names->count && i < 64; i++)
		if (check_names->name[i][0])
			mq_unlink(check_names->name[i]);
}

/* Removes what else a case has made: set by the header that knows how. */
__attribute__((unused)) static void (*check_remove_more)(void);

/* Whether the process ends in time. It stays a zombie: it keeps its number, and so does
 * the group. */
static int check_ended(pid_t pid)
{
	for (unsigned left = check_seconds() * 1000; left > 0; left--) {
		siginfo_t end = { 0 };
		CHECK_OK(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT | WNOHANG));
		if (end.si_pid == pid)
			return 1;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return 0;
}

/* Runs one case in a process group of its own, and leaves nothing of it behind. */
static int check_run(const struct check_case *one)
{
	check_names = mmap(NULL, sizeof *check_names, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(check_names != MAP_FAILED);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		check_names->owner = getpid();
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		check_end_some_day();
		one->body();
		fflush(NULL);
		_exit(0);
	}
	CHECK_OK(pid);
	check_names->owner = pid;
	setpgid(pid, pid);
	int in_time = check_ended(pid);
	siginfo_t end;
	kill(-pid, SIGKILL);
	CHECK_OK(waitid(P_PID, (id_t)pid, &end, WEXITED));
	check_remove_names();
	if (check_remove_more)
		check_remove_more();
	munmap(check_names, sizeof *check_names);
	if (!in_time)
		fprintf(stderr, "%s: too slow\n", one->name);
	else if (end.si_code == CLD_EXITED)
		return end.si_status;
	else
		fprintf(stderr, "%s: ended by signal %d (%s)\n", one->name, end.si_status,
			strsignal(end.si_status));
	return 1;
}

/* What the program does in place of cases, after an exec by one: set by a constructor. */
__attribute__((unused)) static void (*check_instead)(void);

int main(int argc, char **argv)
{
	if (check_instead)
		check_instead();
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (int i = 0; i < check_count; i++)
			printf(check_cases[i].better ? "%s\tbetter\t%s\n" : "%s\n",
			       check_cases[i].name, check_cases[i].better);
		return 0;
	}
	int passed = 0, failed = 0, skipped = 0;
	for (int i = 0; i < check_count; i++) {
		if (argc == 2) {
			if (strcmp(argv[1], check_cases[i].name) == 0)
				return check_run(&check_cases[i]);
			continue;
		}
		int status = check_run(&check_cases[i]);
		if (status != 0)
			printf("%s %s\n", status == CHECK_SKIPPED ? "SKIPPED" : "FAILED",
			       check_cases[i].name);
		*(status == 0 ? &passed : status == CHECK_SKIPPED ? &skipped : &failed) += 1;
	}
	if (argc == 2) {
		fprintf(stderr, "no case %s\n", argv[1]);
		return 2;
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed != 0;
}

#endif
