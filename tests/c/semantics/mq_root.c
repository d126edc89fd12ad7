/* A process that has open a queue, and then loses the way to its files and to /proc, goes on with
 * it, and so do its children: a daemon that confines itself. */
#include "../support/empty_root.h"
#include "../support/nobody.h"
#include "../support/notify.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>

/* A message that most likely comes while the caller waits: without /proc nobody can see that. */
static pid_t send_later(mqd_t queue)
{
	pid_t child = check_fork();
	if (child == 0) {
		pause_ms(20);
		queue_put(queue, "late", 0);
		_exit(0);
	}
	return child;
}

static void is_polled(mqd_t queue)
{
	struct pollfd asked = { queue, POLLIN, 0 };
	CHECK_EQ(queue_events(queue), POLLOUT);
	pid_t child = send_later(queue);
	CHECK_EQ(poll(&asked, 1, 15000), 1);
	queue_expect(queue, "late", 0);
	check_child(child);
	CHECK_EQ(queue_events(queue), POLLOUT);
}

static void is_watched(mqd_t queue)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	pid_t child = send_later(queue);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 15000), 1);
	queue_expect(queue, "late", 0);
	check_child(child);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	CHECK_OK(close(epoll));
}

static void notifies(mqd_t queue)
{
	CHECK_OK(ask_for_note(queue, 3));
	pid_t child = check_fork();
	if (child == 0) {
		queue_put(queue, "note", 0);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(expect_note().si_value.sival_int, 3);
	queue_take(queue);
}

static void works(mqd_t queue)
{
	is_polled(queue);
	is_watched(queue);
	notifies(queue);
}

/* By each descriptor, also by one that the library has not seen, and in a child. */
static void works_everywhere(mqd_t queue)
{
	works(queue);
	int copy = fcntl(queue, F_DUPFD_CLOEXEC, 100);
	CHECK_OK(copy);
	works(copy);
	pid_t child = check_fork();
	if (child == 0) {
		works(queue);
		_exit(0);
	}
	check_child(child);
	CHECK_OK(mq_close(queue));
	works(copy);
}

static void needs_root(void)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can change the root, and mount");
}

static void lose_mount(const char *path)
{
	if (unshare(CLONE_NEWNS) == -1)
		CHECK_SKIP("there are no mount namespaces");
	CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_OK(umount2(path, MNT_DETACH));
}

CASE(mq_goes_on_after_chroot)
{
	needs_root();
	mqd_t queue = queue_for_notes(0);
	enter_empty_root();
	works_everywhere(queue);
}

CASE(mq_goes_on_after_chroot_and_a_change_of_user)
{
	needs_root();
	mqd_t queue = queue_for_notes(0);
	enter_empty_root();
	become_user(NOBODY, NOBODY);
	works_everywhere(queue);
}

CASE(mq_goes_on_without_proc)
{
	needs_root();
	mqd_t queue = queue_for_notes(0);
	lose_mount("/proc");
	works_everywhere(queue);
}

CASE(mq_goes_on_without_its_directory)
{
	needs_root();
	mqd_t queue = queue_for_notes(0);
	lose_mount("/dev/shm");
	works_everywhere(queue);
}
