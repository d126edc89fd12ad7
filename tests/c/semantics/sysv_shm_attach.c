/* shmat: addresses and flags. */
#include "../support/sysv_shm.h"

#include <setjmp.h>
#include <sys/syscall.h>

CASE(shmat_maps_what_others_see)
{
	int segment = new_segment(100);
	char *here = attach(segment);
	pid_t child = check_fork();
	if (child == 0) {
		strcpy(attach(segment), "other address");
		_exit(0);
	}
	check_child(child);
	CHECK(strcmp(here, "other address") == 0);
}

CASE(shmat_gives_an_address_of_a_page)
{
	char *at = attach(new_segment(100));
	CHECK_EQ((uintptr_t)at % page_size(), 0);
}

CASE(shmat_twice_gives_two_addresses_of_one_memory)
{
	int segment = new_segment(100);
	char *one = attach(segment), *other = attach(segment);
	CHECK(one != other);
	strcpy(one, "same");
	CHECK(strcmp(other, "same") == 0);
	CHECK_EQ(attached(segment), 2);
}

CASE(shmat_unknown_ids_are_einval)
{
	int ids[] = { -1, INT_MIN, INT_MAX, removed_segment() };
	for (int i = 0; i < 4; i++)
		CHECK_ATTACH_FAILS(shmat(ids[i], NULL, 0), EINVAL);
}

CASE(shmat_takes_the_address_that_is_free)
{
	int segment = new_segment(3 * page_size());
	char *there = free_pages(3);
	CHECK(attach_with(segment, there, 0) == there);
	there[3 * page_size() - 1] = 'a';
}

CASE(shmat_an_odd_address_is_einval)
{
	int segment = new_segment(100);
	char *there = free_pages(2);
	CHECK_ATTACH_FAILS(shmat(segment, there + 1, 0), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, there + page_size() - 1, SHM_REMAP), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, (void *)1, 0), EINVAL);
	CHECK_EQ(attached(segment), 0);
}

CASE(shmat_rounds_an_odd_address_down)
{
	int segment = new_segment(100);
	char *there = free_pages(2);
	CHECK(attach_with(segment, there + 1, SHM_RND) == there);
	CHECK_OK(shmdt(there));
	CHECK(attach_with(segment, there + page_size() - 1, SHM_RND) == there);
	CHECK_OK(shmdt(there));
	CHECK(attach_with(segment, there, SHM_RND) == there);
}

CASE(shmat_where_something_is_mapped_is_einval)
{
	int segment = new_segment(2 * page_size()), other = new_segment(1);
	char *there = free_pages(4);
	CHECK(attach_with(segment, there + page_size(), 0) == there + page_size());
	for (int i = 0; i < 3; i++)
		CHECK_ATTACH_FAILS(shmat(segment, there + (size_t)i * page_size(), 0), EINVAL);
	CHECK_ATTACH_FAILS(shmat(other, there + 2 * page_size(), 0), EINVAL);
	CHECK(attach_with(other, there + 3 * page_size(), 0) == there + 3 * page_size());
	CHECK_EQ(attached(segment), 1);
}

CASE(shmat_in_the_last_page_of_the_segment_something_is_in_the_way)
{
	int segment = new_segment(page_size() + 1);
	char *there = free_pages(2);
	CHECK(mmap(there + page_size(), page_size(), PROT_READ,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	CHECK_ATTACH_FAILS(shmat(segment, there, 0), EINVAL);
}

CASE(shmat_remap_takes_the_place_of_what_is_there)
{
	int segment = new_segment(page_size()), other = new_segment(page_size());
	char *there = attach(segment);
	strcpy(there, "first");
	CHECK(attach_with(other, there, SHM_REMAP) == there);
	CHECK_EQ(there[0], 0);
	CHECK_EQ(attached(segment), 0);
	CHECK_EQ(attached(other), 1);
	CHECK(strcmp(attach(segment), "first") == 0);
}

CASE(shmat_remap_of_private_memory)
{
	int segment = new_segment(page_size());
	char *there = mmap(NULL, 3 * page_size(), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(there != MAP_FAILED);
	memset(there, 'x', 3 * page_size());
	char *middle = there + page_size();
	CHECK(attach_with(segment, middle, SHM_REMAP) == middle);
	CHECK_EQ(there[page_size() - 1], 'x');
	CHECK_EQ(middle[0], 0);
	CHECK_EQ(middle[page_size()], 'x');
}

CASE(shmat_remap_of_nothing_takes_the_address)
{
	int segment = new_segment(page_size());
	char *there = free_pages(1);
	CHECK(attach_with(segment, there, SHM_REMAP) == there);
}

CASE(shmat_remap_without_an_address_is_einval)
{
	int segment = new_segment(100);
	CHECK_ATTACH_FAILS(shmat(segment, NULL, SHM_REMAP), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, NULL, SHM_REMAP | SHM_RND), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, (void *)1, SHM_REMAP | SHM_RND), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, (char *)page_size() - 1, SHM_REMAP | SHM_RND), EINVAL);
}

CASE(shmat_rounding_no_address_is_no_address)
{
	int segment = new_segment(100);
	CHECK(attach_with(segment, NULL, SHM_RND) != NULL);
}

static sigjmp_buf back;

static void jump(int signal)
{
	siglongjmp(back, signal);
}

/* The signal that this read or write ends with; 0 = none. */
static int signal_of(volatile char *at, int write)
{
	struct sigaction action = { .sa_handler = jump };
	CHECK_OK(sigaction(SIGSEGV, &action, NULL));
	CHECK_OK(sigaction(SIGBUS, &action, NULL));
	int signal = sigsetjmp(back, 1);
	if (signal == 0) {
		if (write)
			*at = 'a';
		else
			(void)*at;
	}
	return signal;
}

CASE(shmat_read_only_memory_cannot_be_written_to)
{
	int segment = new_segment(100);
	char *writer = attach(segment), *reader = attach_with(segment, NULL, SHM_RDONLY);
	CHECK_EQ(signal_of(reader, 0), 0);
	CHECK_EQ(signal_of(reader, 1), SIGSEGV);
	CHECK_EQ(signal_of(writer, 1), 0);
	CHECK_EQ(reader[0], 'a');
}

CASE(shmat_read_only_memory_cannot_be_made_writable)
{
	char *reader = attach_with(new_segment(100), NULL, SHM_RDONLY);
	CHECK_FAILS(mprotect(reader, page_size(), PROT_READ | PROT_WRITE), EACCES);
	CHECK_FAILS(mprotect(reader, page_size(), PROT_WRITE), EACCES);
	CHECK_OK(mprotect(reader, page_size(), PROT_NONE));
	CHECK_OK(mprotect(reader, page_size(), PROT_READ));
}

CASE(shmat_writable_memory_can_be_made_read_only_and_back)
{
	char *at = attach(new_segment(100));
	CHECK_OK(mprotect(at, page_size(), PROT_READ));
	CHECK_EQ(signal_of(at, 1), SIGSEGV);
	CHECK_OK(mprotect(at, page_size(), PROT_READ | PROT_WRITE));
	CHECK_EQ(signal_of(at, 1), 0);
}

#if defined __x86_64__
static const unsigned char returns_42[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
#elif defined __aarch64__
static const unsigned char returns_42[] = { 0x40, 5, 0x80, 0x52, 0xc0, 3, 0x5f, 0xd6 };
#endif

CASE(shmat_exec_memory_can_be_executed)
{
	int segment = new_segment_with_mode(page_size(), 0700);
	char *at = attach_with(segment, NULL, SHM_EXEC);
	memcpy(at, returns_42, sizeof returns_42);
	__builtin___clear_cache(at, at + sizeof returns_42);
	int (*call)(void);
	memcpy(&call, &at, sizeof call);
	CHECK_EQ(call(), 42);
}

CASE(shmat_exec_needs_the_permission)
{
	/* Not of root, which needs none. */
	if (geteuid() == 0)
		CHECK_OK(syscall(SYS_setresuid, 4320, 4320, 4320));
	int segment = new_segment(page_size());
	CHECK_ATTACH_FAILS(shmat(segment, NULL, SHM_EXEC), EACCES);
	CHECK_ATTACH_FAILS(shmat(segment, NULL, SHM_EXEC | SHM_RDONLY), EACCES);
}

CASE(shmat_an_odd_address_is_einval_before_eacces)
{
	if (geteuid() == 0)
		CHECK_OK(syscall(SYS_setresuid, 4320, 4320, 4320));
	int segment = new_segment_with_mode(page_size(), 0);
	char *there = attach(new_segment(page_size()));
	CHECK_ATTACH_FAILS(shmat(segment, there + 1, 0), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, NULL, SHM_REMAP), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, there, 0), EACCES);
	CHECK_ATTACH_FAILS(shmat(segment, there, SHM_REMAP), EACCES);
	remove_segment(segment);
}

CASE(shmat_a_failure_attaches_nothing)
{
	int segment = new_segment(100);
	char *there = attach(new_segment(100));
	struct shmid_ds before = status_of(segment);
	CHECK_ATTACH_FAILS(shmat(segment, there, 0), EINVAL);
	struct shmid_ds after = status_of(segment);
	CHECK_EQ(after.shm_nattch, 0);
	CHECK_EQ(after.shm_atime, before.shm_atime);
	CHECK_EQ(after.shm_lpid, 0);
}

CASE(shmat_many_times_in_one_process)
{
	enum { MANY = 300 };
	int segment = new_segment(10);
	char *at[MANY];
	for (int i = 0; i < MANY; i++)
		at[i] = attach(segment);
	CHECK_EQ(attached(segment), MANY);
	for (int i = 0; i < MANY; i += 2)
		CHECK_OK(shmdt(at[i]));
	CHECK_EQ(attached(segment), MANY / 2);
	for (int i = 1; i < MANY; i += 2)
		CHECK_OK(shmdt(at[i]));
	CHECK_EQ(attached(segment), 0);
}

CASE(shmat_opens_no_descriptor)
{
	int before = open("/dev/null", O_RDONLY);
	CHECK_OK(close(before));
	int segment = new_segment(100);
	char *at = attach(segment);
	attach_with(segment, NULL, SHM_RDONLY);
	status_of(segment);
	CHECK_OK(shmdt(at));
	int after = open("/dev/null", O_RDONLY);
	CHECK_EQ(after, before);
}

CASE(shmat_with_one_descriptor_free)
{
	int segment = new_segment(100), last = -1;
	attach(segment);
	for (int fd; (fd = open("/dev/null", O_RDONLY)) != -1;)
		last = fd;
	CHECK_OK(close(last));
	attach(segment);
}

CASE(shmat_beyond_the_end_of_all_addresses_is_einval)
{
	char *last = (char *)0 - page_size();
	int segment = new_segment(2 * page_size());
	CHECK_ATTACH_FAILS(shmat(segment, last, 0), EINVAL);
}
