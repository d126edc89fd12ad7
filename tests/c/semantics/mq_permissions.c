/* Who may open and unlink which queue. The cases need root, to become somebody else. */
#include "../support/queue.h"

#include <grp.h>
#include <sys/stat.h>

enum { OTHER_GROUP = 4321 };

static void needs_root(void)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become somebody else");
	umask(0);
	queue_name(0);
}

static mqd_t create_with_mode(mode_t mode)
{
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	mqd_t queue = mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, mode, &attr);
	CHECK_OK(queue);
	return queue;
}

static void become(uid_t user, gid_t group)
{
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(setgid(group));
	CHECK_OK(setuid(user));
}

/* Runs the body as a child who is nobody. */
static void as_nobody(void (*body)(void))
{
	pid_t child = queue_fork();
	if (child == 0) {
		become(NOBODY, NOBODY);
		body();
		_exit(0);
	}
	check_child(child);
}

static void opens_only(int read, int write)
{
	int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int allowed[] = { read, write, read && write };
	for (int i = 0; i < 3; i++) {
		if (allowed[i]) {
			CHECK_OK(mq_close(queue_again(0, modes[i])));
			mqd_t queue = mq_open(queue_name(0), modes[i] | O_CREAT, 0600, NULL);
			CHECK_OK(queue);
			CHECK_OK(mq_close(queue));
		} else {
			CHECK_FAILS(mq_open(queue_name(0), modes[i]), EACCES);
			CHECK_FAILS(mq_open(queue_name(0), modes[i] | O_CREAT, 0600, NULL), EACCES);
		}
	}
}

static void opens_nothing(void)
{
	opens_only(0, 0);
}

static void opens_for_reading(void)
{
	opens_only(1, 0);
}

static void opens_for_writing(void)
{
	opens_only(0, 1);
}

static void opens_for_both(void)
{
	opens_only(1, 1);
}

CASE(mq_mode_0600_shuts_others_out)
{
	needs_root();
	create_with_mode(0600);
	as_nobody(opens_nothing);
}

CASE(mq_mode_0660_shuts_others_out)
{
	needs_root();
	create_with_mode(0660);
	as_nobody(opens_nothing);
}

CASE(mq_mode_0644_lets_others_receive)
{
	needs_root();
	create_with_mode(0644);
	as_nobody(opens_for_reading);
}

CASE(mq_mode_0622_lets_others_send)
{
	needs_root();
	create_with_mode(0622);
	as_nobody(opens_for_writing);
}

CASE(mq_mode_0666_lets_others_do_both)
{
	needs_root();
	create_with_mode(0666);
	as_nobody(opens_for_both);
}

static void sends_and_cannot_receive(void)
{
	char got[SMALL_SIZE];
	mqd_t queue = queue_again(0, O_WRONLY);
	queue_put(queue, "by nobody", 2);
	CHECK_FAILS(mq_receive(queue, got, sizeof got, NULL), EBADF);
}

static void receives_and_cannot_send(void)
{
	mqd_t queue = queue_again(0, O_RDONLY);
	queue_expect(queue, "by root", 3);
	CHECK_FAILS(mq_send(queue, "x", 1, 0), EBADF);
}

CASE(mq_messages_pass_between_users)
{
	needs_root();
	mqd_t queue = create_with_mode(0666);
	as_nobody(sends_and_cannot_receive);
	queue_expect(queue, "by nobody", 2);
	queue_put(queue, "by root", 3);
	as_nobody(receives_and_cannot_send);
	CHECK_EQ(queue_count(queue), 0);
}

CASE(mq_messages_pass_from_a_user_who_may_only_send)
{
	needs_root();
	mqd_t queue = create_with_mode(0622);
	as_nobody(sends_and_cannot_receive);
	queue_expect(queue, "by nobody", 2);
}

CASE(mq_messages_pass_to_a_user_who_may_only_receive)
{
	needs_root();
	mqd_t queue = create_with_mode(0644);
	queue_put(queue, "by root", 3);
	as_nobody(receives_and_cannot_send);
	CHECK_EQ(queue_count(queue), 0);
}

/* A queue that belongs to nobody and a group; root's own rights would prove nothing. */
static void owned_by_nobody(mode_t mode, uid_t visitor, gid_t group, gid_t further, void (*body)(void))
{
	needs_root();
	pid_t owner = queue_fork();
	if (owner == 0) {
		umask(0);
		become(NOBODY, OTHER_GROUP);
		create_with_mode(mode);
		_exit(0);
	}
	check_child(owner);
	pid_t child = queue_fork();
	if (child == 0) {
		CHECK_OK(setgroups(1, &further));
		CHECK_OK(setgid(group));
		CHECK_OK(setuid(visitor));
		body();
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
	create_with_mode(0666);
	as_nobody(opens_for_reading);
	CHECK_OK(mq_unlink(queue_name(0)));
	umask(0777);
	create_with_mode(0666);
	as_nobody(opens_nothing);
}

static void creates_with_mode_0(void)
{
	mqd_t queue = create_with_mode(0);
	queue_put(queue, "mine", 0);
	queue_expect(queue, "mine", 0);
	opens_nothing();
	CHECK_OK(mq_unlink(queue_name(0)));
}

CASE(mq_mode_is_not_applied_to_the_descriptor_that_creates)
{
	needs_root();
	as_nobody(creates_with_mode_0);
}

static void fails_in_order(void)
{
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	CHECK_FAILS(mq_open(queue_name(0), O_ACCMODE), EINVAL);
	CHECK_FAILS(mq_open(queue_name(0), O_ACCMODE | O_CREAT, 0600, NULL), EINVAL);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), EACCES);
}

CASE(mq_open_says_eexist_then_einval_then_eacces)
{
	needs_root();
	create_with_mode(0600);
	as_nobody(fails_in_order);
}

static void cannot_unlink(void)
{
	CHECK_FAILS(mq_unlink(queue_name(0)), EACCES);
}

CASE(mq_unlink_by_another_user_is_eacces)
{
	needs_root();
	mqd_t queue = create_with_mode(0666);
	as_nobody(cannot_unlink);
	queue_put(queue, "still there", 0);
	queue_expect(queue_again(0, O_RDONLY), "still there", 0);
}

static void cannot_unlink_what_is_missing(void)
{
	CHECK_FAILS(mq_unlink(queue_name(0)), ENOENT);
}

CASE(mq_unlink_of_a_missing_queue_by_another_user_is_enoent)
{
	needs_root();
	as_nobody(cannot_unlink_what_is_missing);
}

static void unlinks_its_own(void)
{
	create_with_mode(0);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_FAILS(mq_unlink(queue_name(0)), ENOENT);
}

CASE(mq_unlink_by_the_owner_needs_no_mode)
{
	needs_root();
	as_nobody(unlinks_its_own);
}

static void leaves_one_behind(void)
{
	create_with_mode(0600);
}

CASE(mq_unlink_by_root)
{
	needs_root();
	as_nobody(leaves_one_behind);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

CASE(mq_descriptor_keeps_its_rights_when_the_user_changes)
{
	needs_root();
	mqd_t queue = create_with_mode(0600);
	pid_t child = queue_fork();
	if (child == 0) {
		become(NOBODY, NOBODY);
		opens_nothing();
		queue_put(queue, "as nobody", 0);
		queue_expect(queue, "as nobody", 0);
		queue_put(queue, "for root", 0);
		_exit(0);
	}
	check_child(child);
	queue_expect(queue, "for root", 0);
}

static void waits_for_a_message(void)
{
	char got[SMALL_SIZE];
	CHECK_EQ(mq_receive(queue_again(0, O_RDONLY), got, sizeof got, NULL), 4);
	queue_put(queue_again(0, O_WRONLY), "back", 0);
}

CASE(mq_waiters_of_different_users_wake_each_other)
{
	needs_root();
	mqd_t queue = create_with_mode(0666);
	pid_t child = queue_fork();
	if (child == 0) {
		become(NOBODY, NOBODY);
		waits_for_a_message();
		_exit(0);
	}
	queue_await_asleep(child);
	queue_put(queue, "wake", 0);
	check_child(child);
	queue_expect(queue, "back", 0);
}
