/* Names of message queues: what is accepted, and the error of each malformed one. */
#include "../support/queue.h"

#include <semaphore.h>

static void refused_by_open(const char *name, int error)
{
	CHECK_FAILS(mq_open(name, O_RDWR), error);
	CHECK_FAILS(mq_open(name, O_RDWR | O_CREAT, 0600, NULL), error);
	CHECK_FAILS(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL), error);
}

/* '/', then `length` times a letter. */
static char *long_name(size_t length)
{
	char *name = malloc(length + 2);
	CHECK(name);
	memset(name, 'n', length + 1);
	name[0] = '/';
	name[length + 1] = '\0';
	return name;
}

/* As long_name, but no other case or process uses it. */
static char *own_long_name(size_t length)
{
	char *name = long_name(length);
	char own[24];
	int n = snprintf(own, sizeof own, "rsipc-check-%d-", (int)getpid());
	memcpy(name + 1, own, (size_t)n);
	return name;
}

static void works_as_a_name(const char *name)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	CHECK_OK(queue);
	mqd_t again = mq_open(name, O_RDWR);
	int unlinked = mq_unlink(name);
	CHECK_OK(unlinked);
	CHECK_OK(again);
	queue_put(queue, "hello", 1);
	queue_expect(again, "hello", 1);
	CHECK_FAILS(mq_open(name, O_RDWR), ENOENT);
}

CASE(mq_name_without_slash_is_einval)
{
	refused_by_open("rsipc-check", EINVAL);
}

CASE(mq_name_empty_is_einval)
{
	refused_by_open("", EINVAL);
}

CASE(mq_name_slash_alone_is_enoent)
{
	refused_by_open("/", ENOENT);
}

CASE(mq_name_with_inner_slash_is_eacces)
{
	refused_by_open("/rsipc-check/b", EACCES);
}

CASE(mq_name_with_two_leading_slashes_is_eacces)
{
	refused_by_open("//rsipc-check", EACCES);
}

CASE(mq_name_with_trailing_slash_is_eacces)
{
	refused_by_open("/rsipc-check/", EACCES);
}

CASE(mq_name_dot_is_eacces)
{
	refused_by_open("/.", EACCES);
}

CASE(mq_name_dot_dot_is_eacces)
{
	refused_by_open("/..", EACCES);
}

CASE(mq_name_of_255_bytes_works)
{
	works_as_a_name(own_long_name(255));
}

CASE(mq_name_of_256_bytes_is_enametoolong)
{
	refused_by_open(long_name(256), ENAMETOOLONG);
}

CASE(mq_name_far_too_long_is_enametoolong)
{
	refused_by_open(long_name(5000), ENAMETOOLONG);
	refused_by_open(long_name(100000), ENAMETOOLONG);
}

CASE(mq_name_too_long_without_slash_is_einval)
{
	refused_by_open(long_name(300) + 1, EINVAL);
}

CASE(mq_name_too_long_with_inner_slash_is_eacces)
{
	char *name = long_name(300);
	name[100] = '/';
	refused_by_open(name, EACCES);
}

CASE(mq_names_of_255_bytes_that_differ_in_the_last_are_two_queues)
{
	char *one = own_long_name(255);
	char *two = own_long_name(255);
	two[255] = 'x';
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	mqd_t first = mq_open(one, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	mqd_t second = mq_open(two, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	int removed = mq_unlink(one) + mq_unlink(two);
	CHECK_OK(first);
	CHECK_OK(second);
	CHECK_EQ(removed, 0);
	queue_put(first, "first", 0);
	CHECK_EQ(queue_count(second), 0);
}

CASE(mq_name_may_begin_with_a_dot)
{
	char name[64];
	snprintf(name, sizeof name, "/.rsipc-check-%d", (int)getpid());
	works_as_a_name(name);
	snprintf(name, sizeof name, "/...rsipc-check-%d", (int)getpid());
	works_as_a_name(name);
}

CASE(mq_name_may_hold_any_other_byte)
{
	char name[300];
	int length = snprintf(name, sizeof name, "/rsipc-check-%d ", (int)getpid());
	for (int byte = 1; byte < 256 && length < 255; byte++)
		if (byte != '/')
			name[length++] = (char)byte;
	name[length] = '\0';
	works_as_a_name(name);
	snprintf(name, sizeof name, "/rsipc-check-%d-\xff\xfe", (int)getpid());
	works_as_a_name(name);
}

CASE(mq_name_letters_have_case)
{
	char lower[64], upper[64];
	snprintf(lower, sizeof lower, "/rsipc-check-%d-q", (int)getpid());
	snprintf(upper, sizeof upper, "/rsipc-check-%d-Q", (int)getpid());
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	mqd_t queue = mq_open(lower, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	mqd_t other = mq_open(upper, O_RDWR);
	int error = errno;
	CHECK_OK(mq_unlink(lower));
	CHECK_OK(queue);
	CHECK_EQ(other, -1);
	CHECK_EQ(error, ENOENT);
}

CASE(mq_name_is_apart_from_semaphores_and_shared_memory)
{
	const char *name = queue_name(0);
	mqd_t queue = queue_small(0);
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
	int shm = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	sem_unlink(name);
	shm_unlink(name);
	CHECK(sem != SEM_FAILED);
	CHECK_OK(shm);
	queue_put(queue, "still a queue", 7);
	queue_expect(queue_again(0, O_RDWR), "still a queue", 7);
}

CASE(mq_name_of_a_semaphore_file_is_free_for_a_queue)
{
	char of_sem[64], of_queue[80];
	snprintf(of_sem, sizeof of_sem, "/rsipc-check-%d", (int)getpid());
	snprintf(of_queue, sizeof of_queue, "/sem.%s", of_sem + 1);
	sem_t *sem = sem_open(of_sem, O_CREAT | O_EXCL, 0600, 3);
	CHECK_FAILS(mq_open(of_queue, O_RDWR), ENOENT);
	mqd_t queue = mq_open(of_queue, O_CREAT | O_EXCL | O_RDWR, 0600, NULL);
	int value = -1;
	sem_getvalue(sem, &value);
	sem_unlink(of_sem);
	mq_unlink(of_queue);
	CHECK(sem != SEM_FAILED);
	CHECK_OK(queue);
	CHECK_EQ(value, 3);
}

CASE(mq_name_of_a_shared_memory_object_is_no_queue)
{
	const char *name = queue_name(0);
	int shm = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	mqd_t queue = mq_open(name, O_RDWR);
	int error = errno;
	shm_unlink(name);
	CHECK_OK(shm);
	CHECK_EQ(queue, -1);
	CHECK_EQ(error, ENOENT);
}

CASE(mq_unlink_of_a_malformed_name_fails_as_open_does)
{
	CHECK_FAILS(mq_unlink("rsipc-check"), EINVAL);
	CHECK_FAILS(mq_unlink(""), EINVAL);
	CHECK_FAILS(mq_unlink("/"), ENOENT);
	CHECK_FAILS(mq_unlink("/rsipc-check/b"), EACCES);
	CHECK_FAILS(mq_unlink("//rsipc-check"), EACCES);
	CHECK_FAILS(mq_unlink("/."), EACCES);
	CHECK_FAILS(mq_unlink("/.."), EACCES);
	CHECK_FAILS(mq_unlink(long_name(256)), ENAMETOOLONG);
	CHECK_FAILS(mq_unlink(long_name(5000)), ENAMETOOLONG);
}

CASE(mq_unlink_of_a_missing_queue_is_enoent)
{
	CHECK_FAILS(mq_unlink(queue_name(0)), ENOENT);
	queue_small(0);
	CHECK_OK(mq_unlink(queue_name(0)));
	CHECK_FAILS(mq_unlink(queue_name(0)), ENOENT);
}

/* Names up to the last byte in front of memory that cannot be read. */
static char *at_the_edge(const char *name, size_t bytes)
{
	enum { PAGE = 4096 };
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	CHECK(pages != MAP_FAILED);
	CHECK_OK(mprotect(pages + PAGE, PAGE, PROT_NONE));
	return memcpy(pages + PAGE - bytes, name, bytes);
}

CASE(mq_name_that_cannot_be_read_to_its_end_is_efault)
{
	const char *name = queue_name(0);
	size_t length = strlen(name);
	works_as_a_name(at_the_edge(name, length + 1));
	refused_by_open(at_the_edge(name, length), EFAULT);
	CHECK_FAILS(mq_unlink(at_the_edge(name, length)), EFAULT);
	refused_by_open(at_the_edge("rsipc", 5), EINVAL);
	CHECK_FAILS(mq_unlink(at_the_edge("rsipc", 5)), EINVAL);
	char *slashes = malloc(8192);
	CHECK(slashes);
	memset(slashes, '/', 8192);
	refused_by_open(at_the_edge(slashes, 4096), EFAULT);
}
