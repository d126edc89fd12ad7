/* Which user may open and unlink which queue. The cases need root, to become another user. */
#include "../support/nobody.h"
#include "../support/private_shm.h"
#include "../support/queue.h"

#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { OTHER_GROUP = 4321 };

static void needs_root(void)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	umask(0);
}

static mqd_t create_with_mode(const char *name, mode_t mode)
{
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, mode, &attr);
	CHECK_OK(queue);
	return queue;
}

static mqd_t open_again(const char *name, int flags)
{
	mqd_t queue = mq_open(name, flags);
	CHECK_OK(queue);
	return queue;
}

static void opens_only(const char *name, int read, int write)
{
	int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int allowed[] = { read, write, read && write };
	for (int i = 0; i < 3; i++) {
		if (allowed[i]) {
			CHECK_OK(mq_close(open_again(name, modes[i])));
			mqd_t queue = mq_open(name, modes[i] | O_CREAT, 0600, NULL);
			CHECK_OK(queue);
			CHECK_OK(mq_close(queue));
		} else {
			CHECK_FAILS(mq_open(name, modes[i]), EACCES);
			CHECK_FAILS(mq_open(name, modes[i] | O_CREAT, 0600, NULL), EACCES);
		}
	}
}

static void opens_nothing(const char *name)
{
	opens_only(name, 0, 0);
}

static void opens_for_reading(const char *name)
{
	opens_only(name, 1, 0);
}

static void opens_for_writing(const char *name)
{
	opens_only(name, 0, 1);
}

static void opens_for_both(const char *name)
{
	opens_only(name, 1, 1);
}

CASE(mq_mode_0600_shuts_others_out)
{
	needs_root();
	create_with_mode(queue_name(0), 0600);
	as_nobody(opens_nothing, queue_name(0));
}

CASE(mq_mode_0660_shuts_others_out)
{
	needs_root();
	create_with_mode(queue_name(0), 0660);
	as_nobody(opens_nothing, queue_name(0));
}

CASE(mq_mode_0644_lets_others_receive)
{
	needs_root();
	create_with_mode(queue_name(0), 0644);
	as_nobody(opens_for_reading, queue_name(0));
}

CASE(mq_mode_0622_lets_others_send)
{
	needs_root();
	create_with_mode(queue_name(0), 0622);
	as_nobody(opens_for_writing, queue_name(0));
}

CASE(mq_mode_0666_lets_others_do_both)
{
	needs_root();
	create_with_mode(queue_name(0), 0666);
	as_nobody(opens_for_both, queue_name(0));
}

static void sends_and_cannot_receive(const char *name)
{
	char got[SMALL_SIZE];
	mqd_t queue = open_again(name, O_WRONLY);
	queue_put(queue, "by nobody", 2);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EBADF);
}

static void receives_and_cannot_send(const char *name)
{
	mqd_t queue = open_again(name, O_RDONLY);
	queue_expect(queue, "by root", 3);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
}

CASE(mq_messages_pass_between_users)
{
	needs_root();
	mqd_t queue = create_with_mode(queue_name(0), 0666);
	as_nobody(sends_and_cannot_receive, queue_name(0));
	queue_expect(queue, "by nobody", 2);
	queue_put(queue, "by root", 3);
	as_nobody(receives_and_cannot_send, queue_name(0));
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_messages_pass_from_a_user_that_may_only_send)
{
	needs_root();
	mqd_t queue = create_with_mode(queue_name(0), 0622);
	as_nobody(sends_and_cannot_receive, queue_name(0));
	queue_expect(queue, "by nobody", 2);
}

CASE(mq_messages_pass_to_a_user_that_may_only_receive)
{
	needs_root();
	mqd_t queue = create_with_mode(queue_name(0), 0644);
	queue_put(queue, "by root", 3);
	as_nobody(receives_and_cannot_send, queue_name(0));
	CHECK_EQ(queue_count(queue), 0);
}

/* A queue that belongs to the user nobody and a group; root's own rights would prove nothing. */
/* Bytes of a file that the owner may write. */
static rlim_t longest_file = RLIM_INFINITY;

static void owned_by_nobody(mode_t mode, uid_t visitor, gid_t group, gid_t further,
			    void (*body)(const char *))
{
	needs_root();
	const char *name = queue_name(0);
	pid_t owner = check_fork();
	if (owner == 0) {
		become_user(NOBODY, OTHER_GROUP);
		struct rlimit limit = { longest_file, longest_file };
		CHECK_OK(setrlimit(RLIMIT_FSIZE, &limit));
		create_with_mode(name, mode);
		_exit(0);
	}
	check_child(owner);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(setgroups(1, &further));
		CHECK_OK(setgid(group));
		CHECK_OK(setuid(visitor));
		body(name);
		_exit(0);
	}
	check_child(child);
}

CASE(mq_mode_of_the_owner_is_what_counts_for_the_owner)
{
	owned_by_nobody(0466, NOBODY, NOBODY, NOBODY, opens_for_reading);
}

CASE(mq_mode_of_the_group_is_what_counts_for_the_group)
{
	owned_by_nobody(0626, 1234, OTHER_GROUP, NOBODY, opens_for_writing);
}

CASE(mq_mode_of_the_group_counts_for_further_groups)
{
	owned_by_nobody(0640, 1234, NOBODY, OTHER_GROUP, opens_for_reading);
}

CASE(mq_mode_of_others_counts_for_others)
{
	owned_by_nobody(0606, 1234, NOBODY, NOBODY, opens_for_both);
}

CASE(mq_mode_does_not_hold_root_back)
{
	owned_by_nobody(0000, 0, 0, 0, opens_for_both);
}

CASE(mq_umask_is_taken_from_the_mode)
{
	needs_root();
	umask(022);
	create_with_mode(queue_name(0), 0666);
	as_nobody(opens_for_reading, queue_name(0));
	CHECK_OK(mq_unlink(queue_name(0)));
	umask(0777);
	create_with_mode(queue_name(0), 0666);
	as_nobody(opens_nothing, queue_name(0));
}

static void creates_with_mode_0(const char *name)
{
	mqd_t queue = create_with_mode(name, 0);
	queue_put(queue, "mine", 0);
	queue_expect(queue, "mine", 0);
	opens_nothing(name);
	CHECK_OK(mq_unlink(name));
}

CASE(mq_mode_is_not_applied_to_the_descriptor_that_creates)
{
	needs_root();
	as_nobody(creates_with_mode_0, queue_name(0));
}

static void fails_in_order(const char *name)
{
	CHECK_FAILS(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	CHECK_FAILS(mq_open(name, O_ACCMODE), EINVAL);
	CHECK_FAILS(mq_open(name, O_ACCMODE | O_CREAT, 0600, NULL), EINVAL);
	CHECK_FAILS(mq_open(name, O_RDWR), EACCES);
}

CASE(mq_open_says_eexist_then_einval_then_eacces)
{
	needs_root();
	create_with_mode(queue_name(0), 0600);
	as_nobody(fails_in_order, queue_name(0));
}

static void cannot_unlink(const char *name)
{
	CHECK_FAILS(mq_unlink(name), EACCES);
}

CASE(mq_unlink_by_another_user_is_eacces)
{
	needs_root();
	mqd_t queue = create_with_mode(queue_name(0), 0666);
	as_nobody(cannot_unlink, queue_name(0));
	queue_put(queue, "still there", 0);
	queue_expect(queue_again(0, O_RDONLY), "still there", 0);
}

static void cannot_unlink_what_is_missing(const char *name)
{
	CHECK_FAILS(mq_unlink(name), ENOENT);
}

CASE(mq_unlink_of_a_missing_queue_by_another_user_is_enoent)
{
	needs_root();
	as_nobody(cannot_unlink_what_is_missing, queue_name(0));
}

static void unlinks_its_own(const char *name)
{
	create_with_mode(name, 0);
	CHECK_OK(mq_unlink(name));
	CHECK_FAILS(mq_unlink(name), ENOENT);
}

CASE(mq_unlink_by_the_owner_needs_no_mode)
{
	needs_root();
	as_nobody(unlinks_its_own, queue_name(0));
}

static void leaves_one_behind(const char *name)
{
	create_with_mode(name, 0600);
}

CASE(mq_unlink_by_root)
{
	needs_root();
	as_nobody(leaves_one_behind, queue_name(0));
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

CASE(mq_descriptor_keeps_its_rights_when_the_user_changes)
{
	needs_root();
	mqd_t queue = create_with_mode(queue_name(0), 0600);
	pid_t child = check_fork();
	if (child == 0) {
		become_user(NOBODY, NOBODY);
		opens_nothing(queue_name(0));
		queue_put(queue, "as nobody", 0);
		queue_expect(queue, "as nobody", 0);
		queue_put(queue, "for root", 0);
		_exit(0);
	}
	check_child(child);
	queue_expect(queue, "for root", 0);
}

static void waits_for_a_message(const char *name)
{
	char got[SMALL_SIZE];
	CHECK_EQ(mq_receive(open_again(name, O_RDONLY), got, sizeof got, NULL), 4);
	queue_put(open_again(name, O_WRONLY), "back", 0);
}

CASE(mq_waiters_of_different_users_wake_each_other)
{
	needs_root();
	mqd_t queue = create_with_mode(queue_name(0), 0666);
	pid_t child = check_fork();
	if (child == 0) {
		become_user(NOBODY, NOBODY);
		waits_for_a_message(queue_name(0));
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "wake", 0);
	check_child(child);
	queue_expect(queue, "back", 0);
}

CASE(mq_mode_holds_root_back_that_has_no_capabilities)
{
	struct __user_cap_header_struct self = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	needs_root();
	const char *name = queue_name(0);
	create_with_mode(name, 0200);
	CHECK_EQ(syscall(SYS_capset, &self, none), 0);
	opens_only(name, 0, 1);
}

/* A directory with the set-group-ID bit gives its group to all files. */
CASE(mq_open_gives_a_queue_the_group_of_its_maker_in_any_directory)
{
	needs_root();
	private_tmpfs("/dev/shm", 0, "mode=3777,gid=4322");
	owned_by_nobody(0660, 1234, OTHER_GROUP, NOBODY, opens_for_both);
}

/* The memory of the queue may have to be in several files. */
CASE(mq_open_with_a_limit_on_files_gives_a_queue_the_group_of_its_maker)
{
	needs_root();
	private_tmpfs("/dev/shm", 0, "mode=3777,gid=4322");
	longest_file = 4096;
	owned_by_nobody(0660, 1234, OTHER_GROUP, NOBODY, opens_for_both);
}
