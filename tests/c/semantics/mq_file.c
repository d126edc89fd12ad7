/* What the calls on files say of a queue, and do to it: fstat, fchmod, fchown, read, and the
 * others. */
#include "../support/nobody.h"
#include "../support/notify.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

static mqd_t queue;

static mode_t mode_of(mqd_t fd)
{
	struct stat status;
	CHECK_OK(fstat(fd, &status));
	return status.st_mode & 07777;
}

CASE(mqd_is_owned_by_its_maker)
{
	struct stat status;
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	umask(027);
	queue = mq_open(queue_name(0), O_CREAT | O_RDWR, 0666, &attr);
	CHECK_OK(queue);
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(status.st_mode & 07777, 0640);
	CHECK_EQ(status.st_uid, geteuid());
	CHECK_EQ(status.st_gid, getegid());
	CHECK_EQ(status.st_nlink, 1);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(status.st_nlink, 0);
}

CASE(mqd_shows_the_bits_beyond_the_permissions)
{
	struct stat status;
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	umask(022);
	queue = mq_open(queue_name(0), O_CREAT | O_RDWR, 07777, &attr);
	CHECK_OK(queue);
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(status.st_mode & 07777, 07755);
	CHECK_OK(fchmod(queue, 01640));
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(status.st_mode & 07777, 01640);
}

CASE(mqd_is_a_regular_file_to_fstat)
{
	struct stat status;
	queue = queue_small(0);
	CHECK_OK(fstat(queue, &status));
	CHECK(S_ISREG(status.st_mode));
}

CASE(mqd_has_no_time_of_birth)
{
	struct statx status;
	queue = queue_small(0);
	CHECK_OK(statx(queue, "", AT_EMPTY_PATH, STATX_ALL, &status));
	CHECK_EQ(status.stx_mask & STATX_BTIME, 0);
	CHECK_EQ(status.stx_btime.tv_sec, 0);
}

CASE(mqds_of_one_queue_are_one_file)
{
	struct stat one, two, other;
	queue = queue_small(0);
	CHECK_OK(fstat(queue, &one));
	CHECK_OK(fstat(queue_again(0, O_RDONLY), &two));
	CHECK_OK(fstat(queue_create(1, O_RDWR, 2, 8), &other));
	CHECK(one.st_ino == two.st_ino && one.st_dev == two.st_dev);
	CHECK(one.st_ino != other.st_ino || one.st_dev != other.st_dev);
}

static const char *name_for_nobody;

/* What the user nobody gets when it opens the queue with these flags. */
static int opened_by_nobody(int flags)
{
	int status;
	if (geteuid() != 0)
		CHECK_SKIP("only root can become another user");
	pid_t child = check_fork();
	if (child == 0) {
		become_user(NOBODY, NOBODY);
		_exit(mq_open(name_for_nobody, flags) == (mqd_t)-1 ? errno : 0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

static void private_queue(void)
{
	queue = queue_small(0);
	name_for_nobody = queue_name(0);
	CHECK_EQ(opened_by_nobody(O_RDWR), EACCES);
}

CASE(mq_opens_for_others_after_fchmod)
{
	private_queue();
	CHECK_OK(fchmod(queue, 0644));
	CHECK_EQ(mode_of(queue), 0644);
	CHECK_EQ(opened_by_nobody(O_RDONLY), 0);
	CHECK_EQ(opened_by_nobody(O_RDWR), EACCES);
	CHECK_OK(fchmod(queue, 0666));
	CHECK_EQ(opened_by_nobody(O_RDWR), 0);
}

CASE(mq_shuts_others_out_after_fchmod)
{
	private_queue();
	CHECK_OK(fchmod(queue, 0666));
	CHECK_EQ(opened_by_nobody(O_RDWR), 0);
	CHECK_OK(fchmod(queue, 0600));
	CHECK_EQ(mode_of(queue), 0600);
	CHECK_EQ(opened_by_nobody(O_RDONLY), EACCES);
	CHECK_EQ(opened_by_nobody(O_WRONLY), EACCES);
	/* A duplicate, and another descriptor, do the same. */
	CHECK_OK(fchmod(dup(queue), 0622));
	CHECK_EQ(mode_of(queue), 0622);
	CHECK_EQ(opened_by_nobody(O_WRONLY), 0);
	CHECK_EQ(opened_by_nobody(O_RDONLY), EACCES);
	CHECK_OK(fchmod(queue_again(0, O_RDONLY), 0600));
	CHECK_EQ(opened_by_nobody(O_WRONLY), EACCES);
}

CASE(mq_belongs_to_another_after_fchown)
{
	struct stat status;
	private_queue();
	CHECK_OK(fchown(queue, NOBODY, NOBODY));
	CHECK_OK(fstat(queue, &status));
	CHECK_EQ(status.st_uid, NOBODY);
	CHECK_EQ(status.st_gid, NOBODY);
	CHECK_EQ(opened_by_nobody(O_RDWR), 0);
	CHECK_OK(fchown(queue, 0, (gid_t)-1));
	CHECK_EQ(opened_by_nobody(O_RDWR), EACCES);
	queue_put(queue, "kept", 0);
	queue_expect(queue_again(0, O_RDONLY), "kept", 0);
}

static void may_not_change_it(const char *name)
{
	mqd_t own = mq_open(name, O_RDWR);
	CHECK_OK(own);
	CHECK_FAILS(fchmod(own, 0777), EPERM);
	CHECK_FAILS(fchown(own, NOBODY, NOBODY), EPERM);
	queue_put(own, "by nobody", 2);
}

CASE(mq_mode_is_changed_by_its_owner_only)
{
	private_queue();
	CHECK_OK(fchmod(queue, 0666));
	as_nobody(may_not_change_it, queue_name(0));
	CHECK_EQ(mode_of(queue), 0666);
	queue_expect(queue, "by nobody", 2);
}

static void is_mine_now(const char *name)
{
	mqd_t own = mq_open(name, O_RDWR);
	CHECK_OK(own);
	CHECK_OK(fchmod(own, 0606));
	queue_put(own, "by nobody", 2);
	struct pollfd fd = { own, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 1000), 1);
	CHECK_OK(mq_unlink(name));
}

CASE(mq_is_used_and_removed_by_the_owner_that_fchown_gave_it)
{
	private_queue();
	CHECK_OK(fchown(queue, NOBODY, NOBODY));
	as_nobody(is_mine_now, queue_name(0));
	queue_expect(queue, "by nobody", 2);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
}

/* As the kernel prints it: bytes of all messages, and how and to which process the next one is
 * notified. */
static void expect_status(long bytes, int notify, int signal, pid_t pid)
{
	char want[128], text[128] = "";
	snprintf(want, sizeof want, "QSIZE:%-10ld NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", bytes,
		 notify, signal, (int)pid);
	CHECK_OK(lseek(queue, 0, SEEK_SET));
	CHECK_EQ(read(queue, text, sizeof text - 1), strlen(want));
	if (strcmp(text, want) != 0)
		check_fail(__FILE__, __LINE__, "read \"%s\", expected \"%s\"", text, want);
	CHECK_EQ(read(queue, text, sizeof text), 0);
	memset(text, 0, sizeof text);
	CHECK_EQ(pread(queue, text, 5, 6), 5);
	CHECK(memcmp(text, want + 6, 5) == 0);
}

CASE(mqd_read_tells_of_bytes_and_registration)
{
	queue = queue_for_notes(0);
	expect_status(0, 0, 0, 0);
	queue_put(queue, "12345", 0);
	queue_put(queue, "678", 5);
	expect_status(8, 0, 0, 0);
	queue_take(queue);
	expect_status(5, 0, 0, 0);
	CHECK_OK(ask_for_note(queue, 0));
	expect_status(5, SIGEV_SIGNAL, NOTE, getpid());
	CHECK_OK(mq_notify(queue, NULL));
	CHECK_OK(mq_notify(queue, &(struct sigevent){ .sigev_notify = SIGEV_NONE }));
	expect_status(5, SIGEV_NONE, 0, getpid());
	queue_take(queue);
	expect_status(0, SIGEV_NONE, 0, getpid());
}

CASE(mqd_takes_no_bytes)
{
	queue = queue_small(O_NONBLOCK);
	CHECK_FAILS(write(queue, "x", 1), EINVAL);
	CHECK_EQ(queue_count(queue), 0);
	queue_put(queue, "kept", 0);
	queue_expect(queue, "kept", 0);
	CHECK_FAILS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, queue, 0) == MAP_FAILED ? -1 : 0,
		    ENODEV);
}

CASE(mqd_is_no_terminal)
{
	struct winsize size;
	queue = queue_small(0);
	CHECK_FAILS_AS(isatty(queue), 0, ENOTTY);
	CHECK_FAILS(ioctl(queue, TIOCGWINSZ, &size), ENOTTY);
}
