/* shmget: keys, flags, sizes. */
#include "../support/nobody.h"
#include "../support/sysv_shm.h"

#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/stat.h>

CASE(shmget_private_makes_a_segment_each_time)
{
	int one = new_segment(100), other = new_segment(100);
	CHECK(one != other);
	char *here = attach(one), *there = attach(other);
	here[0] = 'a';
	CHECK_EQ(there[0], 0);
}

CASE(shmget_private_takes_no_notice_of_create_and_exclusive)
{
	int flags[] = { 0, IPC_CREAT, IPC_EXCL, IPC_CREAT | IPC_EXCL };
	int last = -1;
	for (int i = 0; i < 4; i++) {
		int segment = noted(shmget(IPC_PRIVATE, 10, flags[i] | 0600));
		CHECK(segment != last);
		last = segment;
	}
}

CASE(shmget_of_an_unknown_key_is_enoent)
{
	CHECK_FAILS(shmget(own_key(0), 1, 0600), ENOENT);
	CHECK_FAILS(shmget(own_key(0), 0, 0), ENOENT);
	CHECK_FAILS(shmget(own_key(0), SIZE_MAX, 0), ENOENT);
	CHECK_FAILS(shmget(own_key(0), 1, IPC_EXCL | 0600), ENOENT);
}

CASE(shmget_finds_a_segment_by_its_key)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	CHECK_EQ(shmget(own_key(0), 100, 0600), segment);
	CHECK_EQ(shmget(own_key(0), 0, 0), segment);
	CHECK_FAILS(shmget(own_key(1), 100, 0600), ENOENT);
}

CASE(shmget_with_create_finds_what_is_there)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	attach(segment)[3] = 'a';
	CHECK_EQ(shmget(own_key(0), 100, IPC_CREAT | 0600), segment);
	CHECK_EQ(shmget(own_key(0), 100, IPC_CREAT | 0666), segment);
	CHECK_EQ(mode_of(segment) & 0777, 0600);
	CHECK_EQ(attach(segment)[3], 'a');
}

CASE(shmget_finds_it_from_another_process)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_EQ(shmget(own_key(0), 100, 0600), segment);
		strcpy(attach(segment), "from the child");
		_exit(0);
	}
	check_child(child);
	CHECK(strcmp(attach(segment), "from the child") == 0);
}

static int made_by_child(void)
{
	int ends[2], segment;
	CHECK_OK(pipe(ends));
	pid_t child = check_fork();
	if (child == 0) {
		segment = noted(shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600));
		strcpy(attach(segment), "left behind");
		CHECK_EQ(write(ends[1], &segment, sizeof segment), sizeof segment);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(read(ends[0], &segment, sizeof segment), sizeof segment);
	return segment;
}

CASE(shmget_finds_what_a_process_has_left_that_is_gone)
{
	int segment = made_by_child();
	CHECK_EQ(shmget(own_key(0), 100, 0600), segment);
	CHECK_EQ(attached(segment), 0);
	CHECK(strcmp(attach(segment), "left behind") == 0);
}

CASE(shmget_exclusive_is_eexist_for_what_is_there)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600));
	CHECK_FAILS(shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_EQ(shmget(own_key(0), 100, 0600), segment);
}

CASE(shmget_exclusive_without_create_is_ignored)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	CHECK_EQ(shmget(own_key(0), 100, IPC_EXCL | 0600), segment);
}

CASE(shmget_of_fewer_bytes_finds_the_segment)
{
	int segment = noted(shmget(own_key(0), 5000, IPC_CREAT | 0600));
	size_t sizes[] = { 0, 1, 4096, 4999, 5000 };
	for (int i = 0; i < 5; i++)
		CHECK_EQ(shmget(own_key(0), sizes[i], IPC_CREAT | 0600), segment);
	CHECK_EQ(status_of(segment).shm_segsz, 5000);
}

CASE(shmget_of_one_byte_more_is_einval)
{
	noted(shmget(own_key(0), 5000, IPC_CREAT | 0600));
	CHECK_FAILS(shmget(own_key(0), 5001, 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 5001, IPC_CREAT | 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), SIZE_MAX, 0), EINVAL);
}

CASE(shmget_exclusive_is_eexist_before_the_size_matters)
{
	noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	CHECK_FAILS(shmget(own_key(0), 101, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_FAILS(shmget(own_key(0), 0, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_FAILS(shmget(own_key(0), SIZE_MAX, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
}

CASE(shmget_makes_no_segment_of_0_bytes)
{
	CHECK_FAILS(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 0, IPC_CREAT | 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 0, IPC_CREAT | IPC_EXCL | 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 1, 0600), ENOENT);
}

CASE(shmget_above_shmmax_is_einval)
{
	CHECK_FAILS(shmget(IPC_PRIVATE, SIZE_MAX, 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), SIZE_MAX, IPC_CREAT | 0600), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 1, 0600), ENOENT);
}

/* There are 128 TiB of addresses. */
CASE(shmget_of_more_than_there_will_ever_be_is_enomem)
{
	CHECK_FAILS(shmget(IPC_PRIVATE, (size_t)1 << 60, 0600), ENOMEM);
	CHECK_FAILS(shmget(own_key(0), (size_t)1 << 60, IPC_CREAT | 0600), ENOMEM);
	CHECK_FAILS(shmget(own_key(0), 1, 0600), ENOENT);
}

CASE(shmget_keeps_the_size_that_was_asked_for)
{
	size_t sizes[] = { 1, 56, 4095, 4096, 4097, 5000, 1 << 20 };
	for (int i = 0; i < 7; i++)
		CHECK_EQ(status_of(new_segment(sizes[i])).shm_segsz, sizes[i]);
}

CASE(shmget_mode_is_the_low_nine_bits_whatever_the_umask)
{
	umask(0777);
	int modes[] = { 0, 0600, 0666, 0777, 0124 };
	for (int i = 0; i < 5; i++)
		CHECK_EQ(mode_of(new_segment_with_mode(1, modes[i] | 0400)), modes[i] | 0400);
}

CASE(shmget_noreserve_is_accepted)
{
	int segment = noted(shmget(IPC_PRIVATE, 5000, 0600 | SHM_NORESERVE));
	CHECK_EQ(mode_of(segment), 0600);
	attach(segment)[4999] = 'a';
}

CASE(shmget_negative_keys_are_keys)
{
	key_t key = own_key(0) | INT_MIN;
	int segment = noted(shmget(key, 1, IPC_CREAT | IPC_EXCL | 0600));
	CHECK_EQ(shmget(key, 1, 0600), segment);
	CHECK_EQ(status_of(segment).shm_perm.__key, key);
}

CASE(shmget_ids_are_not_negative_and_do_not_come_back)
{
	int seen[50];
	for (int i = 0; i < 50; i++) {
		seen[i] = removed_segment();
		CHECK(seen[i] >= 0);
		for (int k = 0; k < i; k++)
			CHECK(seen[k] != seen[i]);
	}
}

CASE(shmget_a_key_is_another_one_in_each_family)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | IPC_EXCL | 0600));
	CHECK_FAILS(semget(own_key(0), 1, 0600), ENOENT);
	CHECK_EQ(shmget(own_key(0), 0, 0), segment);
}

CASE(shmget_one_of_many_processes_makes_the_segment)
{
	enum { MAKERS = 8, ROUNDS = 20 };
	for (int round = 0; round < ROUNDS; round++) {
		struct gate gate = new_gate(), told = new_gate();
		pid_t makers[MAKERS];
		for (int i = 0; i < MAKERS; i++) {
			makers[i] = check_fork();
			if (makers[i] == 0) {
				await_gate(&gate);
				int segment = shmget(own_key(round), 64, IPC_CREAT | 0600);
				CHECK_OK(segment);
				CHECK_EQ(write(told.ends[1], &segment, 4), 4);
				_exit(0);
			}
		}
		for (int i = 0; i < MAKERS; i++)
			open_gate(&gate);
		int first = -1;
		for (int i = 0; i < MAKERS; i++) {
			int segment;
			check_child(makers[i]);
			CHECK_EQ(read(told.ends[0], &segment, 4), 4);
			if (i == 0)
				first = noted(segment);
			CHECK_EQ(segment, first);
		}
	}
}

CASE(shmget_of_sizes_that_no_machine_has_is_einval)
{
	enum { PAGES_OF_32_BYTES = 5 << 26 };
	CHECK_FAILS(shmget(IPC_PRIVATE, (size_t)1 << 63, 0600), EINVAL);
	CHECK_FAILS(shmget(IPC_PRIVATE, 4096, SHM_HUGETLB | PAGES_OF_32_BYTES | 0600), EINVAL);
}

/* Some kernels give them to those who may lock as much memory, too. */
static void has_no_huge_pages(const char *unused)
{
	(void)unused;
	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 0, 0 }));
	CHECK_FAILS(shmget(IPC_PRIVATE, 4096, SHM_HUGETLB | 0600), EPERM);
	CHECK_FAILS(shmget(IPC_PRIVATE, 0, SHM_HUGETLB | 0600), EINVAL);
}

CASE(shmget_of_huge_pages_needs_a_privilege)
{
	if (access("/sys/kernel/mm/hugepages", F_OK) == -1)
		CHECK_SKIP("the kernel has no huge pages of any size");
	as_nobody(has_no_huge_pages, NULL);
}
