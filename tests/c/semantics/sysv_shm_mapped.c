/* Whether a segment goes when it is removed depends on what is mapped at that moment, and not on
 * what was attached once. */
#include "../support/sysv_shm.h"

#include <sys/syscall.h>

/* Bytes that this process has read until now. */
static long bytes_read(void)
{
	long bytes = -1;
	FILE *file = fopen("/proc/self/io", "re");
	if (!file || fscanf(file, "rchar: %ld", &bytes) != 1)
		CHECK_SKIP("the kernel does not count what a process reads");
	fclose(file);
	return bytes;
}

/* An emulator shows them at other addresses. */
static void needs_a_view_of_single_mappings(void)
{
	char *at = attach(new_segment(1)), link[100], text[100];
	snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", (unsigned long)at,
		 (unsigned long)(at + page_size()));
	if (readlink(link, text, sizeof text) == -1)
		CHECK_SKIP("/proc does not show single mappings");
	if (prctl(PR_GET_SECCOMP) != 0)
		CHECK_SKIP("nothing that a filter may kill for is asked for");
}

/* To read of all mappings once for each segment took 3 ms with 2,000 of them. */
CASE(shmctl_rmid_of_many_segments_reads_little)
{
	enum { MANY = 500 };
	int segment[MANY];
	needs_a_view_of_single_mappings();
	for (int i = 0; i < MANY; i++) {
		segment[i] = new_segment(100);
		attach(segment[i]);
	}
	long before = bytes_read();
	for (int i = 0; i < MANY; i++)
		remove_segment(segment[i]);
	CHECK(bytes_read() - before < MANY * 1000L);
	CHECK_EQ(attached(segment[0]), 1);
	CHECK_EQ(attached(segment[MANY - 1]), 1);
}

/* Root opens what it has mapped itself, and does not look for it in all processes. */
CASE(shmat_of_what_root_has_removed_reads_little)
{
	enum { MANY = 500 };
	int segment = new_segment(100);
	needs_a_view_of_single_mappings();
	if (geteuid() != 0)
		CHECK_SKIP("only root may open what is mapped");
	for (int i = 0; i < MANY; i++)
		attach(new_segment(100));
	attach(segment);
	remove_segment(segment);
	long before = bytes_read();
	CHECK_OK(shmdt(attach(segment)));
	CHECK(bytes_read() - before < MANY * 10L);
	CHECK_EQ(attached(segment), 1);
}

/* By system calls, which no library sees. */
static void unmap(char *at, size_t pages)
{
	CHECK_OK(syscall(SYS_munmap, at, pages * page_size()));
}

static void map_over(char *at, size_t pages)
{
	long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	CHECK_EQ(syscall(SYS_mmap, at, pages * page_size(), PROT_READ, flags, -1, 0), (long)at);
}

CASE(shmctl_rmid_of_what_has_been_unmapped_destroys_it)
{
	int segment = new_segment(2 * page_size());
	unmap(attach(segment), 2);
	remove_segment(segment);
	CHECK(is_destroyed(segment));
}

CASE(shmctl_rmid_of_what_has_been_replaced_destroys_it)
{
	int segment = new_segment(2 * page_size());
	map_over(attach(segment), 2);
	remove_segment(segment);
	CHECK(is_destroyed(segment));
}

CASE(shmctl_rmid_of_what_another_segment_has_replaced_destroys_it)
{
	int segment = new_segment(2 * page_size()), other = new_segment(2 * page_size());
	char *there = attach(segment), *at = attach(other);
	unmap(there, 2);
	CHECK_EQ(syscall(SYS_mremap, at, 2 * page_size(), 2 * page_size(),
			 MREMAP_MAYMOVE | MREMAP_FIXED, there), (long)there);
	remove_segment(segment);
	CHECK(is_destroyed(segment));
	remove_segment(other);
	CHECK_EQ(attached(other), 1);
}

CASE(shmctl_rmid_leaves_a_segment_of_which_a_part_is_mapped)
{
	for (size_t page = 0; page < 2; page++) {
		int segment = new_segment(2 * page_size());
		char *at = attach(segment);
		unmap(at + page * page_size(), 1);
		remove_segment(segment);
		CHECK_EQ(attached(segment), 1);
		unmap(at + (1 - page) * page_size(), 1);
		CHECK(is_destroyed(segment));
	}
}

CASE(shmctl_rmid_leaves_a_segment_that_has_been_moved)
{
	int segment = new_segment(page_size());
	char *at = attach(segment), *there = free_pages(1);
	CHECK_EQ(syscall(SYS_mremap, at, page_size(), page_size(),
			 MREMAP_MAYMOVE | MREMAP_FIXED, there), (long)there);
	remove_segment(segment);
	CHECK_EQ(attached(segment), 1);
	unmap(there, 1);
	CHECK(is_destroyed(segment));
}

/* The first of many attachments are gone. */
CASE(shmctl_rmid_leaves_a_segment_that_is_attached_once_more)
{
	enum { MANY = 30 };
	int segment = new_segment(page_size());
	char *at[MANY];
	for (int i = 0; i < MANY; i++)
		at[i] = attach(segment);
	for (int i = 0; i < MANY - 1; i++)
		unmap(at[i], 1);
	remove_segment(segment);
	CHECK_EQ(attached(segment), 1);
	CHECK_OK(shmdt(at[MANY - 1]));
	CHECK(is_destroyed(segment));
}
