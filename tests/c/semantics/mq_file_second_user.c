/* What a second user can do. Like any user, that one may put files into the directory of objects.
 * Without a right to the queue, or with one and a write to its header, it gains no access, and no
 * call touches a file that is not the queue's.
 *
 * On the kernel's queues, which are no files, there is nothing to try, and the claims hold all the
 * same. */
#include "../support/nobody.h"
#include "../support/queue.h"

#include <stdint.h>
#include <sys/stat.h>

static const char place[] = "/dev/shm/";
static const char fifos[] = "rsipc-mqf.";

static void needs_root(void)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	umask(0);
}

static mqd_t create(int n, mode_t mode)
{
	struct mq_attr attr = { .mq_maxmsg = SMALL_DEPTH, .mq_msgsize = SMALL_SIZE };
	mqd_t queue = mq_open(queue_name(n), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, mode, &attr);
	CHECK_OK(queue);
	return queue;
}

/* The data file of a queue. */
static const char *data_of(int n)
{
	static char path[QUEUE_NAMES][300];
	snprintf(path[n], sizeof path[n], "%srsipc-mq.%s", place, queue_name(n) + 1);
	return path[n];
}

/* The FIFO behind a descriptor: the directory is open to all, so any user can find it. False: the
 * queue has none. */
static bool fifo_of(mqd_t queue, char *path, size_t size)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", queue);
	ssize_t length = readlink(link, path, size - 1);
	CHECK_OK(length);
	path[length] = '\0';
	return strncmp(path + strlen(place), fifos, strlen(fifos)) == 0;
}

/* Puts one number into the place of another one wherever it stands in the first page. */
static void forge(const char *path, uint64_t old, uint64_t new)
{
	uint64_t page[512];
	int file = open(path, O_RDWR);
	CHECK_OK(file);
	CHECK_EQ(pread(file, page, sizeof page, 0), sizeof page);
	for (int i = 0; i < 512; i++)
		if (page[i] == old)
			CHECK_EQ(pwrite(file, &new, sizeof new, i * 8), 8);
	CHECK_OK(close(file));
}

static uint64_t number_in(const char *fifo)
{
	return strtoull(strrchr(fifo, '.') + 1, NULL, 16);
}

static uint64_t inode_of(const char *path)
{
	struct stat status;
	CHECK_OK(stat(path, &status));
	return status.st_ino;
}

/* A program that was reached by exec sends a message through the descriptor that was left open. */
__attribute__((constructor)) static void send_after_exec(void)
{
	const char *queue = getenv("CHECK_SEND_THROUGH");
	if (queue)
		_exit(mq_send(atoi(queue), "secret", 6, 0) == 0 ? 0 : 1);
}

CASE(mq_kept_over_exec_leads_to_no_queue_of_another_user)
{
	needs_root();
	mqd_t queue = create(0, 0600);
	char fifo[300];
	bool has_fifo = fifo_of(queue, fifo, sizeof fifo);
	queue_name(1);
	pid_t attacker = check_fork();
	if (attacker == 0) {
		become_user(NOBODY, NOBODY);
		mqd_t own = create(1, 0666);
		char own_fifo[300];
		if (has_fifo && fifo_of(own, own_fifo, sizeof own_fifo)) {
			forge(data_of(1), number_in(own_fifo), number_in(fifo));
			forge(data_of(1), inode_of(own_fifo), inode_of(fifo));
		}
		_exit(0);
	}
	check_child(attacker);
	pid_t sender = check_fork();
	if (sender == 0) {
		char number[16];
		snprintf(number, sizeof number, "%d", queue);
		CHECK_OK(fcntl(queue, F_SETFD, 0));
		CHECK_OK(setenv("CHECK_SEND_THROUGH", number, 1));
		execl("/proc/self/exe", "sender", NULL);
		_exit(1);
	}
	check_child(sender);
	queue_expect(queue, "secret", 0);
}

static void reaches_nothing(const char *name)
{
	CHECK_FAILS(mq_open(name, O_RDONLY), EACCES);
	char path[300];
	struct dirent *entry;
	snprintf(path, sizeof path, "%srsipc-mq.%s", place, name + 1);
	int file = open(path, O_RDONLY);
	CHECK(file == -1);
	CHECK(errno == EACCES || errno == ENOENT);
	CHECK(unlink(path) == -1);
	/* Whatever lies beside it. */
	DIR *dir = opendir(place);
	CHECK(dir);
	while ((entry = readdir(dir))) {
		struct stat status;
		if (strncmp(entry->d_name, "rsipc-mqf.", 10) != 0 ||
		    fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if (status.st_uid == 0 && (status.st_mode & 0077) == 0)
			CHECK(openat(dirfd(dir), entry->d_name, O_RDWR | O_NONBLOCK) == -1);
	}
	closedir(dir);
}

CASE(mq_of_mode_0600_is_out_of_reach_for_others)
{
	needs_root();
	mqd_t queue = create(0, 0600);
	queue_put(queue, "private", 0);
	as_nobody(reaches_nothing, queue_name(0));
	queue_expect(queue, "private", 0);
}

/* What the user nobody has put there, and its state. */
static struct stat planted_status;

static void plant(const char *path, const char *what)
{
	pid_t pid = check_fork();
	if (pid == 0) {
		become_user(NOBODY, NOBODY);
		if (strcmp(what, "fifo") == 0)
			CHECK_OK(mkfifo(path, 0640));
		else if (strcmp(what, "file") == 0)
			CHECK_OK(open(path, O_CREAT | O_EXCL | O_WRONLY, 0640));
		else
			CHECK_OK(symlink(what, path));
		_exit(0);
	}
	check_child(pid);
	CHECK_OK(lstat(path, &planted_status));
}

static void is_as_planted(const char *path)
{
	struct stat now;
	CHECK_OK(lstat(path, &now));
	CHECK_EQ(now.st_ino, planted_status.st_ino);
	CHECK_EQ(now.st_mode, planted_status.st_mode);
	CHECK_EQ(now.st_uid, planted_status.st_uid);
	CHECK_EQ(now.st_ctime, planted_status.st_ctime);
}

/* The owner was killed while it removed the queue, and the FIFO is gone: another user puts
 * something in its place. */
static void lost_fifo(const char *what)
{
	needs_root();
	mqd_t queue = create(0, 0666);
	char fifo[300];
	bool has_fifo = fifo_of(queue, fifo, sizeof fifo);
	if (has_fifo) {
		CHECK_OK(unlink(fifo));
		plant(fifo, what);
	}
	mqd_t again = queue_again(0, O_RDWR | O_NONBLOCK);
	struct pollfd fd = { again, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 0), 0);
	queue_put(again, "mine", 0);
	CHECK_EQ(poll(&fd, 1, 0), 1);
	queue_expect(again, "mine", 0);
	CHECK_OK(mq_unlink(queue_name(0)));
	if (has_fifo) {
		is_as_planted(fifo);
		CHECK_OK(unlink(fifo));
	}
}

CASE(mq_takes_no_fifo_of_another_user)
{
	lost_fifo("fifo");
}

CASE(mq_takes_no_file_for_its_fifo)
{
	lost_fifo("file");
}

CASE(mq_follows_no_link_to_its_fifo)
{
	lost_fifo("/etc/passwd");
}

/* That user may use the queue, and so may write to its header. */
CASE(mq_unlink_removes_no_file_of_a_user_that_writes_to_the_header)
{
	needs_root();
	mqd_t queue = create(0, 0666);
	char fifo[300], planted[300];
	bool has_fifo = fifo_of(queue, fifo, sizeof fifo);
	if (has_fifo) {
		snprintf(planted, sizeof planted, "%.*s.%016llx", (int)(strrchr(fifo, '.') - fifo),
			 fifo, 0x1234ULL);
		plant(planted, "fifo");
		pid_t pid = check_fork();
		if (pid == 0) {
			become_user(NOBODY, NOBODY);
			forge(data_of(0), number_in(fifo), 0x1234);
			forge(data_of(0), inode_of(fifo), inode_of(planted));
			_exit(0);
		}
		check_child(pid);
	}
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), ENOENT);
	if (has_fifo) {
		CHECK(access(fifo, F_OK) == -1);
		is_as_planted(planted);
		CHECK_OK(unlink(planted));
	}
}

static void is_refused(const char *name)
{
	CHECK_FAILS(mq_open(name, O_RDWR), EACCES);
}

/* A user whom the mode lets in can make no FIFO for the others: its owner would be wrong. */
CASE_BETTER(mq_without_its_fifo_is_mended_by_its_owner_alone,
	    "the kernel's queues have no FIFO to lose")
{
	needs_root();
	mqd_t queue = create(0, 0666);
	char fifo[300];
	CHECK(fifo_of(queue, fifo, sizeof fifo));
	CHECK_OK(unlink(fifo));
	as_nobody(is_refused, queue_name(0));
	CHECK_OK(mq_close(queue_again(0, O_RDWR)));
	CHECK_OK(mq_unlink(queue_name(0)));
}

/* The name of the data file itself. */
CASE(mq_follows_no_link_to_a_queue)
{
	needs_root();
	plant(data_of(0), "/etc/passwd");
	CHECK(mq_open(queue_name(0), O_RDWR) == -1);
	CHECK(access("/etc/passwd", F_OK) == 0);
	is_as_planted(data_of(0));
	CHECK_OK(unlink(data_of(0)));
}

/* With protected_hardlinks off, a user can give the files of others further names. */
CASE(mq_is_found_under_no_name_but_its_own)
{
	needs_root();
	mqd_t queue = create(0, 0600);
	queue_put(queue, "private", 0);
	bool is_file = link(data_of(0), data_of(1)) == 0;
	CHECK(mq_open(queue_name(1), O_RDWR) == -1);
	queue_expect(queue, "private", 0);
	if (is_file)
		CHECK_OK(unlink(data_of(1)));
}
