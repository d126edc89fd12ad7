/* The user and the group of setfsuid(3) and setfsgid(3): a queue is opened and made as a file is,
 * so by these. The cases need root, to become another user. */
#include <sys/fsuid.h>
#include <sys/stat.h>
#include "../support/nobody.h"
#include "../support/queue.h"

enum { OTHER_USER = 4320, OTHER_GROUP = 4321 };

static mqd_t create_with_mode(const char *name, mode_t mode)
{
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, mode, &attr);
	CHECK_OK(queue);
	return queue;
}

/* A queue of OTHER_USER and OTHER_GROUP with this mode. */
static const char *others_have(mode_t mode)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	umask(0);
	const char *name = queue_name(0);
	pid_t child = check_fork();
	if (child == 0) {
		become_user(OTHER_USER, OTHER_GROUP);
		create_with_mode(name, mode);
		_exit(0);
	}
	check_child(child);
	return name;
}

static void becomes_for_files(uid_t user, gid_t group)
{
	CHECK_OK(setgroups(0, NULL));
	setfsgid(group);
	setfsuid(user);
	CHECK_EQ(setfsuid(-1), user);
}

static void opens_for_reading_alone(const char *name)
{
	CHECK_OK(mq_close(mq_open(name, O_RDONLY)));
	CHECK_FAILS(mq_open(name, O_WRONLY), EACCES);
	CHECK_FAILS(mq_open(name, O_RDWR), EACCES);
}

CASE(mq_open_goes_by_the_user_for_files)
{
	const char *name = others_have(0406);
	becomes_for_files(OTHER_USER, NOBODY);
	opens_for_reading_alone(name);
}

CASE(mq_open_goes_by_the_group_for_files)
{
	const char *name = others_have(0646);
	becomes_for_files(NOBODY, OTHER_GROUP);
	opens_for_reading_alone(name);
}

CASE(mq_open_of_others_for_files)
{
	const char *name = others_have(0264);
	becomes_for_files(NOBODY, NOBODY);
	opens_for_reading_alone(name);
}

CASE(mq_open_makes_a_queue_of_the_user_for_files)
{
	const char *name = others_have(0600);
	CHECK_OK(mq_unlink(name));
	becomes_for_files(OTHER_USER, OTHER_GROUP);
	mqd_t queue = create_with_mode(name, 0400);
	struct stat status;
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(status.st_uid, OTHER_USER);
	CHECK_EQ(status.st_gid, OTHER_GROUP);
	opens_for_reading_alone(name);
	CHECK_OK(mq_unlink(name));
}
