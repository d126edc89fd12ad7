/* Which user may do what with a queue. The cases need root, to become another user. */
#include "../support/nobody.h"
#include "../support/sysv_msg_sleepers.h"

enum { OTHER_USER = 4320, OTHER_GROUP = 4321 };

static int the_queue;

static void needs_root(void)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
}

/* A queue of root, with this mode, that holds a message. */
static void root_has(int mode)
{
	needs_root();
	the_queue = noted(msgget(own_key(0), IPC_CREAT | mode));
	PUT(the_queue, 1, "root's");
}

static int set_owner(int queue, uid_t user, gid_t group, int mode)
{
	struct msqid_ds status = { .msg_qbytes = 1000 };
	status.msg_perm.uid = user;
	status.msg_perm.gid = group;
	status.msg_perm.mode = (unsigned short)mode;
	return msgctl(queue, IPC_SET, &status);
}

static void reads(bool may)
{
	struct msqid_ds status;
	struct message got;
	if (may) {
		CHECK_OK(msgctl(the_queue, IPC_STAT, &status));
		CHECK_OK(msgctl(the_queue, MSG_STAT, &status));
		GET(the_queue, 1, 0, 1, "root's");
		GET_NONE(the_queue, 9, 0);
	} else {
		CHECK_FAILS(msgctl(the_queue, IPC_STAT, &status), EACCES);
		CHECK_FAILS(msgctl(the_queue, MSG_STAT, &status), EACCES);
		CHECK_FAILS(msgrcv(the_queue, &got, BODY, 1, 0), EACCES);
		CHECK_FAILS(msgrcv(the_queue, &got, BODY, 9, IPC_NOWAIT), EACCES);
		CHECK_FAILS(msgrcv(the_queue, &got, 1, 0, 0), EACCES);
		CHECK_FAILS(msgrcv(the_queue, &got, BODY, 0, MSG_COPY | IPC_NOWAIT), EACCES);
	}
	/* These ask for nothing. */
	CHECK_EQ(msgctl(the_queue, MSG_STAT_ANY, &status), the_queue);
	CHECK_EQ(msgget(own_key(0), 0), the_queue);
	CHECK_OK(msgctl(0, MSG_INFO, &status));
}

static void writes(bool may)
{
	if (may) {
		PUT(the_queue, 1, "root's");
	} else {
		CHECK_FAILS(send_text(the_queue, 1, "not allowed", 0), EACCES);
		CHECK_FAILS(send_text(the_queue, 1, "not allowed", IPC_NOWAIT), EACCES);
		CHECK_FAILS(send_text(the_queue, 0, "not allowed", 0), EINVAL);
		CHECK_FAILS(msgsnd(the_queue, NULL, 1, 0), EFAULT);
	}
}

static void owns_nothing(void)
{
	CHECK_FAILS(set_owner(the_queue, NOBODY, NOBODY, 0666), EPERM);
	CHECK_FAILS(msgctl(the_queue, IPC_RMID, NULL), EPERM);
}

static void may_nothing(const char *unused)
{
	(void)unused;
	reads(false);
	writes(false);
	owns_nothing();
	CHECK_FAILS(msgget(own_key(0), 0600), EACCES);
	CHECK_FAILS(msgget(own_key(0), 0006), EACCES);
	CHECK_FAILS(msgget(own_key(0), IPC_CREAT | IPC_EXCL | 0600), EEXIST);
}

static void may_read(const char *unused)
{
	(void)unused;
	reads(true);
	writes(false);
	owns_nothing();
	CHECK_EQ(msgget(own_key(0), 0400), the_queue);
	CHECK_FAILS(msgget(own_key(0), 0600), EACCES);
	CHECK_FAILS(msgget(own_key(0), 0200), EACCES);
}

static void may_write(const char *unused)
{
	(void)unused;
	reads(false);
	writes(true);
	owns_nothing();
	CHECK_EQ(msgget(own_key(0), 0002), the_queue);
	CHECK_FAILS(msgget(own_key(0), 0004), EACCES);
}

static void may_both(const char *unused)
{
	(void)unused;
	reads(true);
	writes(true);
	owns_nothing();
	CHECK_EQ(msgget(own_key(0), 0600), the_queue);
	CHECK_FAILS(msgget(own_key(0), 0111), EACCES);
}

CASE(msgctl_mode_0600_shuts_others_out)
{
	root_has(0600);
	as_nobody(may_nothing, NULL);
	CHECK_HOLDS(the_queue, 1, 6);
}

CASE(msgctl_mode_0644_lets_others_receive)
{
	root_has(0644);
	as_nobody(may_read, NULL);
	CHECK_HOLDS(the_queue, 0, 0);
}

CASE(msgctl_mode_0622_lets_others_send)
{
	root_has(0622);
	as_nobody(may_write, NULL);
	CHECK_HOLDS(the_queue, 2, 12);
}

CASE(msgctl_mode_0666_lets_others_send_and_receive)
{
	root_has(0666);
	as_nobody(may_both, NULL);
	CHECK_HOLDS(the_queue, 1, 6);
}

CASE(msgctl_mode_0660_is_for_the_group_of_the_queue)
{
	root_has(0660);
	as_nobody(may_nothing, NULL);
	CHECK_OK(set_owner(the_queue, 0, NOBODY, 0660));
	as_nobody(may_both, NULL);
	CHECK_OK(set_owner(the_queue, 0, NOBODY, 0606));
	as_nobody(may_nothing, NULL);
}

CASE(msgctl_owner_of_a_queue_does_not_fall_through_to_others)
{
	root_has(0600);
	CHECK_OK(set_owner(the_queue, NOBODY, OTHER_GROUP, 0066));
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(NOBODY, NOBODY);
		reads(false);
		writes(false);
		/* What belongs to the owner does not depend on the mode. */
		CHECK_OK(set_owner(the_queue, NOBODY, NOBODY, 0600));
		reads(true);
		CHECK_OK(msgctl(the_queue, IPC_RMID, NULL));
		_exit(0);
	}
	check_child(pid);
	CHECK_FAILS(msgctl(the_queue, IPC_RMID, NULL), EINVAL);
}

static void makes_a_queue(const char *unused)
{
	(void)unused;
	int queue = noted(msgget(own_key(1), IPC_CREAT | 0600));
	PUT(queue, 1, "gift");
	/* Given away; its maker keeps what an owner has. */
	CHECK_OK(set_owner(queue, OTHER_USER, OTHER_GROUP, 0600));
	struct msqid_ds status = status_of(queue);
	CHECK_EQ(status.msg_perm.uid, OTHER_USER);
	CHECK_EQ(status.msg_perm.gid, OTHER_GROUP);
	CHECK_EQ(status.msg_perm.cuid, NOBODY);
	CHECK_EQ(status.msg_perm.cgid, NOBODY);
	GET(queue, 0, 0, 1, "gift");
	PUT(queue, 1, "gift");
}

static void removes_it(const char *unused)
{
	(void)unused;
	CHECK_OK(msgctl(the_queue, IPC_RMID, NULL));
}

CASE(msgctl_owner_gives_a_queue_away_and_its_maker_keeps_his_rights)
{
	needs_root();
	as_nobody(makes_a_queue, NULL);
	the_queue = msgget(own_key(1), 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(OTHER_USER, OTHER_GROUP);
		GET(the_queue, 0, 0, 1, "gift");
		CHECK_OK(set_owner(the_queue, OTHER_USER, OTHER_GROUP, 0620));
		_exit(0);
	}
	check_child(pid);
	CHECK_EQ(status_of(the_queue).msg_perm.mode, 0620);
	as_nobody(removes_it, NULL);
	CHECK_FAILS(msgctl(the_queue, IPC_RMID, NULL), EINVAL);
}

CASE(msgctl_root_may_all_with_any_queue)
{
	needs_root();
	as_nobody(makes_a_queue, NULL);
	the_queue = msgget(own_key(1), 0600);
	CHECK_OK(the_queue);
	CHECK_OK(set_owner(the_queue, OTHER_USER, OTHER_GROUP, 0));
	GET(the_queue, 0, 0, 1, "gift");
	PUT(the_queue, 2, "thanks");
	CHECK_EQ(status_of(the_queue).msg_perm.mode, 0);
	CHECK_OK(msgctl(the_queue, IPC_RMID, NULL));
}

CASE(msgctl_set_of_nobody_as_owner_of_a_queue_is_einval)
{
	int queue = new_queue();
	CHECK_FAILS(set_owner(queue, (uid_t)-1, getegid(), 0600), EINVAL);
	CHECK_FAILS(set_owner(queue, geteuid(), (gid_t)-1, 0600), EINVAL);
	CHECK_EQ(status_of(queue).msg_perm.uid, geteuid());
	CHECK(status_of(queue).msg_qbytes != 1000);
}

CASE(msgctl_set_takes_nine_bits_of_the_mode_of_a_queue)
{
	int queue = new_queue();
	CHECK_OK(set_owner(queue, geteuid(), getegid(), 0177751));
	CHECK_EQ(status_of(queue).msg_perm.mode, 0751);
}

CASE(msgctl_set_changes_owner_mode_bytes_and_ctime_alone)
{
	int queue = noted(msgget(own_key(0), IPC_CREAT | 0600));
	PUT(queue, 1, "stays");
	struct msqid_ds before = status_of(queue), wanted;
	memset(&wanted, 77, sizeof wanted);
	wanted.msg_perm.uid = before.msg_perm.uid;
	wanted.msg_perm.gid = before.msg_perm.gid;
	wanted.msg_perm.mode = 0640;
	wanted.msg_qbytes = 4000;
	CHECK_OK(msgctl(queue, IPC_SET, &wanted));
	struct msqid_ds after = status_of(queue);
	CHECK(after.msg_ctime >= before.msg_ctime);
	before.msg_perm.mode = 0640;
	before.msg_qbytes = 4000;
	before.msg_ctime = after.msg_ctime;
	CHECK_EQ(memcmp(&before, &after, sizeof after), 0);
	GET(queue, 0, 0, 1, "stays");
}

/* A sleeper of the user nobody while root takes the rights away. */
static pid_t nobody_sleeps(struct sleeper *self, int *sleeps, int error)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(NOBODY, NOBODY);
		sleep_in_thread(self);
		__atomic_store_n(sleeps, 1, __ATOMIC_SEQ_CST);
		CHECK_EQ(end_of(self), error);
		_exit(0);
	}
	CHECK_SOON(__atomic_load_n(sleeps, __ATOMIC_SEQ_CST));
	return pid;
}

CASE(msgctl_set_wakes_receivers_that_may_no_longer_read_with_eacces)
{
	root_has(0666);
	pid_t pid = nobody_sleeps(receiver_of(the_queue, BODY, 9, 0), common_memory(sizeof(int)),
				  EACCES);
	struct sleeper *allowed = RECEIVES(the_queue, 9, 0);
	CHECK_OK(set_owner(the_queue, 0, 0, 0600));
	check_child(pid);
	SLEEPS_ON(allowed);
	PUT(the_queue, 9, "allowed");
	GETS(allowed, 9, "allowed");
	CHECK_HOLDS(the_queue, 1, 6);
}

CASE(msgctl_set_leaves_receivers_what_was_sent_before_they_lost_the_right)
{
	root_has(0666);
	for (int turn = 0; turn < 10; turn++) {
		CHECK_OK(set_owner(the_queue, 0, 0, 0666));
		struct sleeper *receiver = receiver_of(the_queue, BODY, 9, 0);
		pid_t pid = nobody_sleeps(receiver, common_memory(sizeof(int)), 0);
		PUT(the_queue, 9, "in time");
		CHECK_OK(set_owner(the_queue, 0, 0, 0600));
		PUT(the_queue, 9, "too late");
		check_child(pid);
		check_message(__FILE__, __LINE__, &receiver->message, receiver->length, 9,
			      "in time");
		GET(the_queue, 9, 0, 9, "too late");
	}
}

CASE(msgctl_set_leaves_receivers_that_still_may_read_asleep)
{
	root_has(0666);
	struct sleeper *receiver = receiver_of(the_queue, BODY, 9, 0);
	pid_t pid = nobody_sleeps(receiver, common_memory(sizeof(int)), 0);
	CHECK_OK(set_owner(the_queue, 0, 0, 0644));
	PUT(the_queue, 9, "for nobody");
	check_child(pid);
	CHECK_HOLDS(the_queue, 1, 6);
}

CASE(msgctl_set_with_space_wakes_senders_that_may_no_longer_write_with_eacces)
{
	root_has(0666);
	limit_queue(the_queue, 6);
	pid_t pid = nobody_sleeps(sender_of(the_queue, 2, "no room"), common_memory(sizeof(int)),
				  EACCES);
	/* This gives more bytes, too. */
	CHECK_OK(set_owner(the_queue, 0, 0, 0644));
	check_child(pid);
	CHECK_HOLDS(the_queue, 1, 6);
}

static void change_mode(int mode)
{
	struct msqid_ds status = status_of(the_queue);
	status.msg_perm.mode = (unsigned short)mode;
	CHECK_OK(msgctl(the_queue, IPC_SET, &status));
}

/* They are asked for the right when their message fits. */
CASE(msgctl_set_without_space_leaves_senders_asleep_that_may_not_write_meanwhile)
{
	root_has(0666);
	limit_queue(the_queue, 6);
	struct sleeper *sender = sender_of(the_queue, 2, "waits");
	pid_t pid = nobody_sleeps(sender, common_memory(sizeof(int)), 0);
	change_mode(0600);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	change_mode(0666);
	GET(the_queue, 1, 0, 1, "root's");
	check_child(pid);
	GET(the_queue, 2, 0, 2, "waits");
}

CASE(msgctl_set_without_space_refuses_senders_when_there_is_space)
{
	root_has(0666);
	limit_queue(the_queue, 6);
	pid_t pid = nobody_sleeps(sender_of(the_queue, 2, "waits"), common_memory(sizeof(int)),
				  EACCES);
	change_mode(0600);
	GET(the_queue, 1, 0, 1, "root's");
	check_child(pid);
	CHECK_HOLDS(the_queue, 0, 0);
}

CASE(msgctl_effective_user_of_a_queue_counts)
{
	root_has(0600);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(setegid(NOBODY));
		CHECK_OK(seteuid(NOBODY));
		may_nothing(NULL);
		CHECK_OK(seteuid(0));
		reads(true);
		writes(true);
		_exit(0);
	}
	check_child(pid);
}
