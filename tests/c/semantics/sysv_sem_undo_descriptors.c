/* SEM_UNDO is kept whatever a program does to descriptors that it does not know of, before an exec
 * and after it. */
#include "../support/limits.h"
#include "../support/sysv_holders.h"

#include <sched.h>
#include <sys/ioctl.h>

extern char **environ;

enum { NUMBERS = 1100 };

static void nothing(void)
{
}

static void closes_each(void)
{
	for (int fd = 3; fd < NUMBERS; fd++)
		CHECK(close(fd) == 0 || errno == EBADF);
}

static void closes_from_three(void)
{
	closefrom(3);
}

static void closes_the_range(void)
{
	CHECK_OK(close_range(3, ~0U, 0));
}

static void closes_a_table_of_its_own(void)
{
	CHECK_OK(close_range(3, ~0U, CLOSE_RANGE_UNSHARE));
}

static void gets_a_table_of_its_own(void)
{
	CHECK_OK(unshare(CLONE_FILES));
}

static void marks_each(void)
{
	for (int fd = 3; fd < NUMBERS; fd++)
		CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 || errno == EBADF);
}

static void marks_each_by_ioctl(void)
{
	for (int fd = 3; fd < NUMBERS; fd++)
		CHECK(ioctl(fd, FIOCLEX) == 0 || errno == EBADF);
}

static void marks_the_range(void)
{
	CHECK_OK(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
}

/* To those of the library's own that there may be, and to others. */
static void replaces_by_dup2(void)
{
	for (int fd = 950; fd < 970; fd++)
		CHECK_EQ(dup2(2, fd), fd);
}

static void replaces_by_dup3(void)
{
	for (int fd = 950; fd < 970; fd++)
		CHECK_EQ(dup3(2, fd, O_CLOEXEC), fd);
}

/* A call that fails leaves the numbers as they were: to the program they are not in use. */
static void fails_to_replace(void)
{
	enum { NO_FLAG = 1 << 30 };
	for (int fd = 950; fd < 970; fd++) {
		CHECK_FAILS(dup3(2, fd, NO_FLAG), EINVAL);
		CHECK_FAILS(close(fd), EBADF);
	}
}

static void replaces_again_and_again(void)
{
	for (int i = 0; i < 2000; i++) {
		replaces_by_dup2();
		for (int fd = 950; fd < 970; fd++)
			CHECK_OK(close(fd));
	}
}

/* Where the limit of descriptors is low. */
static void replaces_low_numbers(void)
{
	for (int fd = 3; fd < 24; fd++)
		CHECK_EQ(dup2(2, fd), fd);
}

/* Each that it finds open, as a program does that saves them. */
static void copies_and_closes_the_copies(void)
{
	for (int fd = 3; fd < NUMBERS; fd++) {
		int copy = dup(fd);
		if (copy != -1)
			CHECK_OK(close(copy));
		copy = fcntl(fd, F_DUPFD, 3);
		if (copy != -1)
			CHECK_OK(close(copy));
		copy = dup2(fd, 200);
		if (copy != -1)
			CHECK_OK(close(copy));
	}
}

/* But for those that the program has been given. */
static void has_none(void)
{
	DIR *all = opendir("/proc/self/fd");
	CHECK(all);
	for (struct dirent *entry; (entry = readdir(all));) {
		int fd = atoi(entry->d_name);
		if (fd > 2 && fd != dirfd(all))
			check_fail(__FILE__, __LINE__, "descriptor %d is open", fd);
	}
	closedir(all);
}

static void lowers_the_limit(void)
{
	limit_to(RLIMIT_NOFILE, 32);
}

static void (*const actions[])(void) = {
	nothing,	      closes_each,	   closes_from_three, closes_the_range,
	marks_each,	      marks_each_by_ioctl, marks_the_range,   replaces_by_dup2,
	replaces_low_numbers, replaces_again_and_again, has_none,
	copies_and_closes_the_copies,
};

/* Of the new program: the set, its first action, and whether it becomes another program then. */
static const char *const role = "RSIPC_CHECK_ROLE";

struct part {
	int set, action, programs;
};

static void begin_program(struct part part)
{
	char text[64];
	snprintf(text, sizeof text, "%d %d %d", part.set, part.action, part.programs);
	CHECK_OK(setenv(role, text, 1));
	execl("/proc/self/exe", program_invocation_name, NULL);
	CHECK(!"exec");
}

static void be_the_new_program(void)
{
	struct part part;
	check_end_some_day();
	CHECK_EQ(sscanf(getenv(role), "%d %d %d", &part.set, &part.action, &part.programs), 3);
	actions[part.action]();
	if (--part.programs > 0)
		begin_program(part);
	/* In all its programs the process has not used the set until now. */
	CHECK_OK(SEMOP(part.set, { 1, 1, 0 }));
	for (;;)
		pause();
}

__attribute__((constructor)) static void look_for_a_role(void)
{
	if (getenv(role))
		check_instead = be_the_new_program;
}

static int number_of(void (*action)(void))
{
	int index = 0;
	while (actions[index] != action)
		index++;
	return index;
}

/* The process has taken the one there is, and has got as far as it gets. */
static void is_held_until_it_is_killed(int set, pid_t pid)
{
	CHECK(pid > 0);
	CHECK_SOON(value_of(set, 0) == 0);
	while (value_of(set, 1) == 0)
		CHECK_EQ(value_of(set, 0), 0);
	CHECK_EQ(value_of(set, 0), 0);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(value_of(set, 0), 1);
}

static int set_with_one(void)
{
	int set = new_set(2);
	CHECK_OK(SEMOP(set, { 0, 1, 0 }));
	return set;
}

/* What a process does that holds something, and what it does as so many further programs before
 * their first call. */
static void is_kept(void (*before)(void), void (*after)(void), int programs)
{
	int set = set_with_one();
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		before();
		begin_program((struct part){ set, number_of(after), programs });
	}
	is_held_until_it_is_killed(set, pid);
}

/* The same without an exec. */
static void is_kept_in_place(void (*prepares)(void), void (*action)(void))
{
	int set = set_with_one();
	pid_t pid = check_fork();
	if (pid == 0) {
		prepares();
		CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
		action();
		/* Another one tells: this process makes no call. */
		pid_t child = check_fork();
		if (child == 0) {
			CHECK_OK(SEMOP(set, { 1, 1, 0 }));
			_exit(0);
		}
		for (;;)
			pause();
	}
	is_held_until_it_is_killed(set, pid);
}

static void needs_close_range(void)
{
	if (!HAS_CLOSE_RANGE || (close_range(NUMBERS, ~0U, 0) == -1 && errno == ENOSYS))
		CHECK_SKIP("there is no close_range here");
}

CASE(semop_undo_is_kept_when_all_descriptors_are_closed)
{
	is_kept_in_place(nothing, closes_each);
	is_kept(closes_each, nothing, 1);
}

CASE(semop_undo_is_kept_when_all_descriptors_are_closed_by_ranges)
{
	needs_close_range();
	is_kept_in_place(nothing, closes_from_three);
	is_kept_in_place(nothing, closes_the_range);
	is_kept_in_place(nothing, closes_a_table_of_its_own);
	is_kept(closes_the_range, nothing, 1);
}

CASE(semop_undo_is_kept_over_exec_when_each_descriptor_is_marked)
{
	is_kept(marks_each, nothing, 1);
	is_kept(marks_each_by_ioctl, nothing, 1);
}

CASE(semop_undo_is_kept_over_exec_when_all_descriptors_are_marked_at_once)
{
	needs_close_range();
	is_kept(marks_the_range, nothing, 1);
}

CASE(semop_undo_is_kept_when_other_descriptors_replace_all)
{
	is_kept_in_place(nothing, replaces_by_dup2);
	is_kept_in_place(nothing, replaces_by_dup3);
	is_kept_in_place(nothing, fails_to_replace);
	is_kept_in_place(lowers_the_limit, replaces_low_numbers);
}

CASE(semop_undo_is_kept_over_exec_when_other_descriptors_replace_all)
{
	is_kept(replaces_by_dup2, nothing, 1);
	is_kept(replaces_by_dup2, replaces_by_dup2, 2);
}

CASE(semop_undo_is_kept_when_copies_of_all_descriptors_are_closed)
{
	is_kept_in_place(nothing, copies_and_closes_the_copies);
	is_kept(copies_and_closes_the_copies, copies_and_closes_the_copies, 2);
}

CASE(semop_undo_is_kept_by_a_new_program_that_closes_all_descriptors_first)
{
	is_kept(nothing, closes_each, 1);
	is_kept(nothing, closes_each, 3);
}

CASE(semop_undo_is_kept_by_a_new_program_that_closes_all_descriptors_at_once_first)
{
	needs_close_range();
	is_kept(nothing, closes_from_three, 1);
	is_kept(nothing, closes_the_range, 2);
}

CASE(semop_undo_is_kept_by_a_new_program_that_marks_all_descriptors_first)
{
	is_kept(nothing, marks_each, 2);
	is_kept(nothing, marks_each_by_ioctl, 2);
}

CASE(semop_undo_is_kept_by_a_new_program_that_replaces_all_descriptors_first)
{
	is_kept(nothing, replaces_by_dup2, 1);
	is_kept(nothing, replaces_by_dup2, 2);
}

/* Others look at the set all the time. */
CASE(semop_undo_is_kept_while_a_new_program_replaces_all_descriptors_again_and_again)
{
	is_kept(nothing, replaces_again_and_again, 1);
}

/* The descriptors that the process has are beyond the limit. */
CASE(semop_undo_is_kept_by_a_new_program_with_a_low_limit_of_descriptors)
{
	is_kept(lowers_the_limit, closes_each, 2);
	is_kept(lowers_the_limit, marks_each, 2);
}

/* The descriptors that the process has are low. */
CASE(semop_undo_is_kept_where_the_limit_of_descriptors_is_low_from_the_start)
{
	lowers_the_limit();
	is_kept(nothing, closes_each, 2);
	is_kept(replaces_low_numbers, nothing, 1);
	is_kept(nothing, replaces_low_numbers, 2);
}

/* The program has one thread, as far as it knows. */
CASE(semop_undo_is_kept_over_exec_by_a_program_with_a_table_of_its_own)
{
	is_kept(gets_a_table_of_its_own, nothing, 1);
	needs_close_range();
	is_kept(closes_a_table_of_its_own, nothing, 1);
}

/* The new program is not the process that holds something. */
CASE(semop_undo_shows_no_descriptor_to_programs_that_are_spawned)
{
	int set = set_with_one();
	char *arguments[] = { program_invocation_name, NULL }, text[64];
	pid_t pid;
	closes_each();
	CHECK_OK(SEMOP(set, { 0, -1, SEM_UNDO }));
	snprintf(text, sizeof text, "%d %d 1", set, number_of(has_none));
	CHECK_OK(setenv(role, text, 1));
	CHECK_EQ(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
	CHECK_SOON(value_of(set, 1) == 1 || waitpid(pid, NULL, WNOHANG) == pid);
	CHECK_EQ(value_of(set, 1), 1);
	CHECK(pid > 0);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(value_of(set, 0), 0);
}
