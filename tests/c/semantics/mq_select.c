/* select reads and writes the sets of its caller just as the kernel does: so many bits as it is
 * told, however large the numbers are, and nothing beyond them. */
#include "../support/queue.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/select.h>

enum { WORD_BITS = 8 * sizeof(long) };

/* A set of any size. The compiler's own checks know only fd_set. */
struct bits {
	unsigned long word[64];
};

static fd_set *set_of(struct bits *bits)
{
	return (fd_set *)(void *)bits;
}

static void add(struct bits *bits, int fd)
{
	bits->word[fd / WORD_BITS] |= 1UL << fd % WORD_BITS;
}

static bool has(const struct bits *bits, int fd)
{
	return bits->word[fd / WORD_BITS] >> fd % WORD_BITS & 1;
}

static const struct timeval at_once;

/* The call may change its timeout. */
static int select_now(int count, void *in, void *out, void *except)
{
	struct timeval timeout = at_once;
	return select(count, in, out, except, &timeout);
}

/* Memory that ends with a page that cannot be read: so many bytes are left before it. */
static void *before_the_end(size_t bytes)
{
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_OK(mprotect(memory + page, (size_t)page, PROT_NONE));
	return memory + page - bytes;
}

static mqd_t copy_at(int wanted, mqd_t of)
{
	struct rlimit limit;
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max <= (rlim_t)wanted)
		CHECK_SKIP("no descriptors of such numbers here");
	limit.rlim_cur = limit.rlim_max;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	CHECK_EQ(dup2(of, wanted), wanted);
	return wanted;
}

static mqd_t queue_at(int wanted)
{
	mqd_t made = queue_small(O_NONBLOCK);
	copy_at(wanted, made);
	CHECK_OK(close(made));
	return wanted;
}

static int readable_pipe(void)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	return ends[0];
}

CASE(mq_select_reads_a_set_of_one_word_at_the_end_of_memory)
{
	mqd_t queue = queue_small(0);
	int other = readable_pipe();
	unsigned long *set = before_the_end(sizeof *set);
	*set = 1UL << other | 1UL << queue;
	CHECK_EQ(select_now(other + 1, set, NULL, NULL), 1);
	CHECK(*set == 1UL << other);
	queue_put(queue, "one", 0);
	*set = 1UL << other | 1UL << queue;
	CHECK_EQ(select_now(other + 1, set, NULL, NULL), 2);
	CHECK(*set == (1UL << other | 1UL << queue));
}

CASE(mq_select_without_a_queue_reads_a_set_of_one_word_at_the_end_of_memory)
{
	int other = readable_pipe();
	unsigned long *set = before_the_end(sizeof *set);
	for (int opened = 0; opened < 2; opened++) {
		*set = 1UL << other;
		CHECK_EQ(select_now(other + 1, set, NULL, NULL), 1);
		CHECK(*set == 1UL << other);
		CHECK_EQ(pselect(other + 1, (fd_set *)(void *)set, NULL, NULL, NULL, NULL), 1);
		CHECK_OK(mq_close(queue_create(opened, O_RDWR, 1, 1)));
	}
}

CASE(mq_select_leaves_the_words_beyond_its_count_alone)
{
	mqd_t queue = queue_small(0);
	struct bits in, want;
	memset(&in, 0xff, sizeof in);
	in.word[0] = 1UL << queue;
	want = in;
	want.word[0] = 0;
	CHECK_EQ(select_now(queue + 1, &in, NULL, NULL), 0);
	CHECK(memcmp(&in, &want, sizeof in) == 0);
}

CASE(mq_select_ignores_bits_at_and_beyond_its_count)
{
	mqd_t queue = queue_small(0);
	struct bits in = { { 0 } };
	queue_put(queue, "one", 0);
	add(&in, queue);
	CHECK_EQ(select_now(queue, &in, NULL, NULL), 0);
}

CASE(mq_select_of_a_number_beyond_1024)
{
	mqd_t queue = queue_at(1500);
	struct bits in = { { 0 } }, out = { { 0 } };
	add(&in, queue);
	CHECK_EQ(select_now(queue + 1, &in, NULL, NULL), 0);
	CHECK(!has(&in, queue));
	queue_put(queue, "one", 0);
	add(&in, queue);
	add(&out, queue);
	CHECK_EQ(select_now(queue + 1, &in, &out, NULL), 2);
	CHECK(has(&in, queue) && has(&out, queue));
}

CASE(mq_select_waits_for_a_number_beyond_1024)
{
	mqd_t queue = queue_at(2047);
	struct bits in = { { 0 } };
	add(&in, queue);
	pid_t self = gettid(), child = check_fork();
	if (child == 0) {
		queue_await_asleep(self);
		queue_put(queue, "one", 0);
		_exit(0);
	}
	CHECK_EQ(select(queue + 1, set_of(&in), NULL, NULL, NULL), 1);
	CHECK(has(&in, queue));
	check_child(child);
}

CASE(mq_select_of_1025_numbers_writes_one_word_more)
{
	mqd_t queue = queue_at(1024);
	unsigned long *set = before_the_end(17 * sizeof *set);
	memset(set, 0, 17 * sizeof *set);
	set[16] = 1;
	queue_put(queue, "one", 0);
	CHECK_EQ(select_now(1025, set, NULL, NULL), 1);
	CHECK(set[16] == 1);
}

CASE(mq_select_counts_as_the_kernel_does)
{
	mqd_t queue = queue_small(0);
	struct bits in = { { 0 } };
	add(&in, queue);
	CHECK_FAILS(select_now(-1, &in, NULL, NULL), EINVAL);
	CHECK_FAILS(select_now(INT_MIN, &in, NULL, NULL), EINVAL);
	/* The sets are read as far as there are descriptors. */
	CHECK_EQ(select_now(1 << 30, NULL, NULL, NULL), 0);
	queue_put(queue, "one", 0);
	CHECK_EQ(select_now(64 * WORD_BITS, &in, NULL, NULL), 1);
	CHECK(has(&in, queue));
	CHECK_EQ(select_now(0, NULL, NULL, NULL), 0);
}

CASE(mq_select_of_a_closed_number_is_ebadf_and_changes_nothing)
{
	mqd_t queue = queue_small(0);
	struct bits in = { { 0 } };
	int closed = readable_pipe();
	CHECK_OK(close(closed));
	add(&in, queue);
	add(&in, closed);
	struct bits before = in;
	queue_put(queue, "one", 0);
	CHECK_FAILS(select_now(closed + 1, &in, NULL, NULL), EBADF);
	CHECK(memcmp(&in, &before, sizeof in) == 0);
}

CASE(mq_select_of_bad_memory_is_efault)
{
	mqd_t queue = queue_small(0);
	void *bad = (char *)before_the_end(0);
	struct bits in = { { 0 } };
	add(&in, queue);
	CHECK_FAILS(select_now(queue + 1, bad, NULL, NULL), EFAULT);
	CHECK_FAILS(select_now(queue + 1, NULL, bad, NULL), EFAULT);
	CHECK_FAILS(select_now(queue + 1, &in, NULL, bad), EFAULT);
	/* Its first word is there, the second is not. */
	unsigned long *set = before_the_end(sizeof *set);
	*set = 1UL << queue;
	mqd_t far = copy_at(200, queue);
	CHECK_FAILS(select_now(far + 1, set, NULL, NULL), EFAULT);
	CHECK(*set == 1UL << queue);
}

CASE(mq_select_with_a_bad_time_is_einval)
{
	mqd_t queue = queue_small(0);
	struct bits in = { { 0 } };
	struct timeval time = { -1, 0 };
	queue_put(queue, "one", 0);
	add(&in, queue);
	CHECK_FAILS(select(queue + 1, set_of(&in), NULL, NULL, &time), EINVAL);
	struct timespec bad = { 0, 1000000000 };
	CHECK_FAILS(pselect(queue + 1, set_of(&in), NULL, NULL, &bad, NULL), EINVAL);
	CHECK(has(&in, queue));
}

CASE(mq_select_of_one_set_in_two_places)
{
	mqd_t queue = queue_small(0);
	struct bits both = { { 0 } };
	queue_put(queue, "one", 0);
	add(&both, queue);
	CHECK_EQ(select_now(queue + 1, &both, &both, NULL), 2);
	CHECK(has(&both, queue));
}

CASE(mq_select_writes_what_is_left_of_its_time)
{
	mqd_t queue = queue_small(0);
	struct timeval left = { 100, 0 };
	struct bits out = { { 0 } };
	add(&out, queue);
	CHECK_EQ(select(queue + 1, NULL, set_of(&out), NULL, &left), 1);
	CHECK(left.tv_sec < 100 || (left.tv_sec == 100 && left.tv_usec == 0));
	left = (struct timeval){ 0, 20000 };
	CHECK_EQ(select(0, NULL, NULL, NULL, &left), 0);
	CHECK(left.tv_sec == 0 && left.tv_usec == 0);
}
