/* A process that has reached a limit of its own gets an errno at once, or what it asks for; the
 * queues of others are as they were. */
#include "../support/limits.h"
#include "../support/notify.h"

#include <sys/syscall.h>

/* The queue of another process, which must be whole afterwards. */
static mqd_t others;

static void set_up(void)
{
	notes_are_waited_for();
	others = queue_small(0);
	queue_put(others, "kept", 7);
}

static void is_whole(void)
{
	CHECK_EQ(queue_count(others), 1);
	queue_expect(others, "kept", 7);
	queue_fill(others);
	CHECK_EQ(queue_events(others), POLLIN);
	for (int i = 0; i < SMALL_DEPTH; i++)
		queue_expect(others, "filler", 1);
	CHECK_OK(ask_for_note(others, 1));
	queue_put(queue_again(0, O_WRONLY), "kept", 7);
	expect_note();
}

/* `body` runs in a child, with the queue under its name. */
static void meanwhile(void (*body)(void))
{
	set_up();
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(mq_close(others));
		body();
		_exit(0);
	}
	check_child(child);
	is_whole();
}

static void use(mqd_t queue)
{
	queue_put(queue, "used", 9);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
	queue_expect(queue, "used", 9);
}

static void open_with_one_descriptor(void)
{
	leave_descriptors(1);
	mqd_t queue = mq_open(queue_name(0), O_RDWR);
	CHECK_OK(queue);
	use(queue);
	CHECK_FAILS(dup(2), EMFILE);
	CHECK_OK(mq_close(queue));
	queue = mq_open(queue_name(0), O_RDWR);
	CHECK_OK(queue);
}

CASE(mq_open_with_one_descriptor_left)
{
	meanwhile(open_with_one_descriptor);
}

static void create_with_one_descriptor(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	leave_descriptors(1);
	mqd_t queue = mq_open(queue_name(1), O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	CHECK_OK(queue);
	use(queue);
	CHECK_OK(mq_unlink(queue_name(1)));
}

CASE(mq_open_creates_with_one_descriptor_left)
{
	meanwhile(create_with_one_descriptor);
}

static void open_with_none(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	leave_descriptors(0);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR), EMFILE);
	CHECK_FAILS(mq_open(queue_name(0), O_RDWR | O_CREAT, 0600, &attr), EMFILE);
	CHECK_FAILS(mq_open(queue_name(1), O_RDWR | O_CREAT | O_EXCL, 0600, &attr), EMFILE);
	CHECK_FAILS(mq_unlink(queue_name(1)), ENOENT);
	CHECK_FAILS(dup(2), EMFILE);
}

CASE(mq_open_without_a_descriptor_left_is_emfile)
{
	meanwhile(open_with_none);
}

static void use_with_none(void)
{
	mqd_t queue = queue_again(0, O_RDWR);
	queue_put(queue, "mine", 9);
	leave_descriptors(0);
	queue_expect(queue, "mine", 9);
	use(queue);
	CHECK_OK(ask_for_note(queue, 4));
	CHECK_OK(mq_notify(queue, NULL));
	pid_t self = getpid(), child = check_fork();
	if (child == 0) {
		pause_ms(20);
		(void)self;
		queue_put(queue, "late", 9);
		_exit(0);
	}
	struct pollfd fd = { queue, POLLIN, 0 };
	queue_expect(queue, "kept", 7);
	CHECK_EQ(poll(&fd, 1, 10000), 1);
	check_child(child);
	queue_expect(queue, "late", 9);
	queue_put(queue, "kept", 7);
}

CASE(mq_is_used_without_a_descriptor_left)
{
	meanwhile(use_with_none);
}

/* Enough for a small queue, not for the next one. */
static void open_with_little_memory(void)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	limit_memory(16384);
	for (int flags = 0; flags <= O_CREAT; flags += O_CREAT) {
		errno = 0;
		mqd_t queue = mq_open(queue_name(0), O_RDWR | flags, 0600, &attr);
		CHECK(queue != (mqd_t)-1 || errno == ENOMEM);
		if (queue != (mqd_t)-1)
			use(queue);
	}
	errno = 0;
	mqd_t queue = mq_open(queue_name(1), O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	CHECK(queue != (mqd_t)-1 || errno == ENOMEM);
	if (queue != (mqd_t)-1)
		use(queue);
	else
		CHECK_FAILS(mq_unlink(queue_name(1)), ENOENT);
}

CASE(mq_open_with_little_memory_works_or_is_enomem)
{
	meanwhile(open_with_little_memory);
}

/* A stack cannot grow either: it has grown before. */
static void grow_stack(void)
{
	volatile char deep[128 * 1024];
	for (size_t i = 0; i < sizeof deep; i += 1024)
		deep[i] = 1;
}

static void *receive_when_told(void *gate)
{
	char byte;
	CHECK_EQ(read(*(int *)gate, &byte, 1), 1);
	queue_expect(others, "told", 3);
	return NULL;
}

CASE(mq_is_used_for_the_first_time_without_memory_left)
{
	int gate[2];
	pthread_t thread;
	notes_are_waited_for();
	others = queue_small(0);
	CHECK_OK(pipe(gate));
	CHECK_EQ(pthread_create(&thread, NULL, receive_when_told, gate), 0);
	grow_stack();
	limit_memory(0);
	queue_put(others, "told", 3);
	CHECK_EQ(write(gate[1], "x", 1), 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	use(others);
}

static void open_with_locked_memory(void)
{
	CHECK_OK(mlockall(MCL_CURRENT | MCL_FUTURE));
	use(queue_create(1, O_RDWR, 10, 8192));
	use(queue_again(0, O_RDWR));
	CHECK_OK(mq_unlink(queue_name(1)));
}

CASE(mq_open_with_all_memory_locked)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE) == -1)
		CHECK_SKIP("memory cannot be locked here");
	CHECK_OK(munlockall());
	meanwhile(open_with_locked_memory);
}

static volatile sig_atomic_t too_large;

static void count_too_large(int signal)
{
	(void)signal;
	too_large++;
}

/* A queue of the kernel is no file; one that is may be refused, but not by a signal. */
static void create_small_files(rlim_t size)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	CHECK(signal(SIGXFSZ, count_too_large) != SIG_ERR);
	limit_to(RLIMIT_FSIZE, size);
	errno = 0;
	mqd_t queue = mq_open(queue_name(1), O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	CHECK_EQ(too_large, 0);
	if (queue == (mqd_t)-1) {
		CHECK(errno == EFBIG || errno == ENOSPC || errno == EMFILE);
		CHECK_FAILS(mq_unlink(queue_name(1)), ENOENT);
	} else {
		use(queue);
		CHECK_OK(mq_unlink(queue_name(1)));
	}
	use(queue_again(0, O_RDWR));
	CHECK_EQ(too_large, 0);
}

static void create_files_of_16_kib(void)
{
	create_small_files(16384);
}

CASE(mq_open_creates_more_than_a_file_may_have)
{
	meanwhile(create_files_of_16_kib);
}

static void create_no_files(void)
{
	create_small_files(0);
}

CASE(mq_open_creates_where_no_file_may_have_a_byte)
{
	meanwhile(create_no_files);
}

static void poll_where_no_file_may_have_a_byte(void)
{
	mqd_t queue = queue_again(0, O_RDWR);
	limit_to(RLIMIT_FSIZE, 0);
	for (int i = 0; i < 10; i++)
		use(queue);
	CHECK_OK(ask_for_note(queue, 1));
	CHECK_OK(mq_notify(queue, NULL));
}

CASE(mq_is_used_where_no_file_may_have_a_byte)
{
	meanwhile(poll_where_no_file_may_have_a_byte);
}
