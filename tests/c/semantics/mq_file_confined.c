/* fchmod and fchown of a queue by a process that can open no file: it has no descriptor left, or
 * has confined itself. The kernel's need none. */
#include "../support/limits.h"
#include "../support/nobody.h"
#include "../support/queue.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static mqd_t queue;

static void expect_file(mode_t mode, uid_t user)
{
	struct stat status;
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(status.st_mode & 07777, mode);
	CHECK_EQ(status.st_uid, user);
}

/* As seen by the parent, too, which opens the queue anew. */
static void change_in_child(void (*confine)(void))
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can give a file away");
	queue = queue_small(0);
	pid_t child = check_fork();
	if (child == 0) {
		confine();
		CHECK_OK(fchmod(queue, 0640));
		expect_file(0640, 0);
		CHECK_OK(fchown(queue, NOBODY, NOBODY));
		expect_file(0640, NOBODY);
		CHECK_OK(fchmod(queue, 0600));
		queue_put(queue, "kept", 3);
		_exit(0);
	}
	check_child(child);
	expect_file(0600, NOBODY);
	queue_expect(queue_again(0, O_RDONLY), "kept", 3);
}

static void take_all_descriptors(void)
{
	leave_descriptors(0);
}

CASE(mq_file_is_changed_without_a_descriptor_left)
{
	change_in_child(take_all_descriptors);
}

static void allow_no_descriptor(void)
{
	struct rlimit limit = { 0, 64 };
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
}

CASE(mq_file_is_changed_where_no_descriptor_is_allowed)
{
	change_in_child(allow_no_descriptor);
}

/* Of linux/landlock.h, which older systems do not have: all accesses of the first version. */
static bool confine_by_landlock(void)
{
	enum { CREATE_RULESET = 444, RESTRICT_SELF = 446 };
	uint64_t accesses = 0x1fff;
	long rules = syscall(CREATE_RULESET, &accesses, sizeof accesses, 0);
	if (rules == -1)
		return false;
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_OK(syscall(RESTRICT_SELF, (int)rules, 0));
	CHECK_OK(close((int)rules));
	return true;
}

static void under_landlock(void)
{
	if (!confine_by_landlock())
		_exit(0);
	CHECK_FAILS(open("/dev/null", O_RDONLY), EACCES);
}

CASE(mq_file_is_changed_under_landlock)
{
	if (syscall(444, NULL, 0, 1) == -1)
		CHECK_SKIP("no Landlock here");
	change_in_child(under_landlock);
}

static void try_to_change(const char *name)
{
	(void)name;
	CHECK_FAILS(fchmod(queue, 0666), EPERM);
	CHECK_FAILS(fchown(queue, NOBODY, NOBODY), EPERM);
	CHECK_OK(fchown(queue, (uid_t)-1, (gid_t)-1));
	leave_descriptors(0);
	CHECK_FAILS(fchmod(queue, 0666), EPERM);
	CHECK_FAILS(fchown(queue, NOBODY, NOBODY), EPERM);
	CHECK_OK(fchown(queue, (uid_t)-1, (gid_t)-1));
}

/* A process that has the descriptor alone, and could not open the queue. */
CASE(mq_file_of_another_is_not_changed_without_a_descriptor_left)
{
	queue = queue_small(0);
	as_nobody(try_to_change, queue_name(0));
	expect_file(0600, 0);
}

/* Locks of the process are no matter of the child that has a table of its own. */
CASE(mq_file_is_changed_without_a_descriptor_left_and_locks_stay)
{
	char path[] = "/tmp/mq-file-XXXXXX";
	int file = mkstemp(path);
	CHECK_OK(file);
	CHECK_OK(unlink(path));
	CHECK_OK(lockf(file, F_LOCK, 0));
	queue = queue_small(0);
	leave_descriptors(0);
	CHECK_OK(fchmod(queue, 0644));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_FAILS(lockf(file, F_TEST, 0), EACCES);
		_exit(0);
	}
	check_child(child);
	CHECK_FAILS(dup(2), EMFILE);
}

static rlim_t locked_max;

/* Its error says what is short, and not that the call would wait. */
static void open_with_little_locked(const char *name)
{
	struct mq_attr sizes = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	/* The heap need not grow any more. */
	void *volatile memory = malloc(1 << 16);
	CHECK(memory);
	free(memory);
	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ locked_max, locked_max }));
	CHECK_OK(mlockall(MCL_FUTURE));
	mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, &sizes);
	CHECK(queue != -1 || errno == ENOMEM);
	mq_unlink(name);
}

/* Each thing that is mapped on the way is once the first that is too much. */
CASE(mq_open_where_little_memory_may_be_locked_is_no_eagain)
{
	for (locked_max = 1 << 16; locked_max <= 1 << 19; locked_max += 1 << 14)
		as_nobody(open_with_little_locked, queue_name(0));
}
