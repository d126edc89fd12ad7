/* shmdt: the start address, and nothing else. */
#include "../support/sysv_shm.h"

CASE(shmdt_unmaps_the_segment)
{
	int segment = new_segment(3 * page_size());
	char *at = attach(segment);
	CHECK_OK(shmdt(at));
	CHECK_EQ(attached(segment), 0);
	for (size_t page = 0; page < 3; page++)
		CHECK_FAILS(msync(at + page * page_size(), page_size(), MS_ASYNC), ENOMEM);
}

CASE(shmdt_a_second_time_is_einval)
{
	char *at = attach(new_segment(100));
	CHECK_OK(shmdt(at));
	CHECK_FAILS(shmdt(at), EINVAL);
}

CASE(shmdt_of_no_segment_is_einval)
{
	char *memory = mmap(NULL, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_FAILS(shmdt(NULL), EINVAL);
	CHECK_FAILS(shmdt(memory), EINVAL);
	CHECK_FAILS(shmdt(&memory), EINVAL);
	CHECK_FAILS(shmdt(free_pages(1)), EINVAL);
	CHECK_FAILS(shmdt((void *)-1), EINVAL);
}

CASE(shmdt_inside_the_segment_is_einval)
{
	int segment = new_segment(3 * page_size());
	char *at = attach(segment);
	CHECK_FAILS(shmdt(at + 1), EINVAL);
	CHECK_FAILS(shmdt(at + page_size()), EINVAL);
	CHECK_FAILS(shmdt(at + 2 * page_size()), EINVAL);
	CHECK_FAILS(shmdt(at + 3 * page_size()), EINVAL);
	CHECK_EQ(attached(segment), 1);
}

CASE(shmdt_of_shared_memory_of_another_kind_is_einval)
{
	char *memory = mmap(NULL, page_size(), PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_FAILS(shmdt(memory), EINVAL);
}

CASE(shmdt_leaves_other_attachments_alone)
{
	int segment = new_segment(100);
	char *one = attach(segment), *other = attach(segment);
	strcpy(one, "text");
	CHECK_OK(shmdt(one));
	CHECK(strcmp(other, "text") == 0);
	CHECK_EQ(attached(segment), 1);
}

CASE(shmdt_leaves_neighbours_alone)
{
	int segment = new_segment(page_size());
	char *there = free_pages(3);
	for (size_t i = 0; i < 3; i++)
		attach_with(segment, there + i * page_size(), 0);
	CHECK_EQ(attached(segment), 3);
	CHECK_OK(shmdt(there + page_size()));
	there[0] = 'a';
	CHECK_EQ(there[2 * page_size()], 'a');
	CHECK_EQ(attached(segment), 2);
	CHECK_OK(shmdt(there));
	CHECK_OK(shmdt(there + 2 * page_size()));
	CHECK_EQ(attached(segment), 0);
}

CASE(shmdt_memory_stays_until_the_next_attach)
{
	int segment = new_segment(100);
	char *at = attach(segment);
	strcpy(at, "kept");
	CHECK_OK(shmdt(at));
	CHECK(strcmp(attach(segment), "kept") == 0);
}

CASE(shmdt_frees_the_address)
{
	int segment = new_segment(100), other = new_segment(100);
	char *there = attach(segment);
	CHECK_OK(shmdt(there));
	CHECK(attach_with(other, there, 0) == there);
	CHECK_OK(shmdt(there));
	CHECK_EQ(attached(other), 0);
}

CASE(shmdt_after_parts_have_other_protections)
{
	int segment = new_segment(4 * page_size());
	char *at = attach(segment);
	CHECK_OK(mprotect(at + page_size(), page_size(), PROT_READ));
	CHECK_OK(mprotect(at + 3 * page_size(), page_size(), PROT_NONE));
	CHECK_OK(shmdt(at));
	CHECK_EQ(attached(segment), 0);
	for (size_t page = 0; page < 4; page++)
		CHECK_FAILS(msync(at + page * page_size(), page_size(), MS_ASYNC), ENOMEM);
}

CASE(shmdt_after_a_part_has_been_unmapped)
{
	int segment = new_segment(4 * page_size());
	char *at = attach(segment);
	CHECK_OK(munmap(at + page_size(), page_size()));
	CHECK_OK(shmdt(at));
	CHECK_EQ(attached(segment), 0);
}

/* What is mapped over a part is the program's own. */
CASE(shmdt_leaves_what_is_mapped_behind_a_shortened_segment)
{
	int segment = new_segment(2 * page_size()), other = new_segment(page_size());
	char *at = attach(segment), *behind = at + page_size();
	CHECK_OK(munmap(behind, page_size()));
	CHECK(attach_with(other, behind, 0) == behind);
	behind[0] = 'a';
	CHECK_OK(shmdt(at));
	CHECK_EQ(attached(segment), 0);
	CHECK_EQ(attached(other), 1);
	CHECK_EQ(behind[0], 'a');
	CHECK_OK(shmdt(behind));
}

CASE(shmdt_of_a_segment_whose_middle_has_been_replaced)
{
	int segment = new_segment(3 * page_size()), other = new_segment(page_size());
	char *at = attach(segment), *middle = at + page_size();
	CHECK(attach_with(other, middle, SHM_REMAP) == middle);
	middle[0] = 'a';
	CHECK_OK(shmdt(at));
	CHECK_EQ(middle[0], 'a');
	CHECK_EQ(attached(segment), 0);
	CHECK_EQ(attached(other), 1);
}

CASE(shmdt_after_all_of_it_has_been_unmapped_is_einval)
{
	int segment = new_segment(page_size());
	char *at = attach(segment);
	CHECK_OK(munmap(at, page_size()));
	CHECK_EQ(attached(segment), 0);
	CHECK_FAILS(shmdt(at), EINVAL);
}

static void map_over(char *at, size_t pages)
{
	CHECK(mmap(at, pages * page_size(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	at[0] = 'a';
}

CASE(shmdt_leaves_what_was_mapped_over_a_part)
{
	for (size_t page = 0; page < 4; page++) {
		int segment = new_segment(4 * page_size());
		char *at = attach(segment), *part = at + page * page_size();
		map_over(part, 1);
		CHECK_OK(shmdt(at));
		CHECK_EQ(part[0], 'a');
		CHECK_EQ(attached(segment), 0);
		CHECK_OK(munmap(part, page_size()));
	}
}

CASE(shmdt_of_what_was_mapped_over_all_of_it_is_einval)
{
	int segment = new_segment(2 * page_size());
	char *at = attach(segment);
	map_over(at, 2);
	CHECK_EQ(attached(segment), 0);
	CHECK_FAILS(shmdt(at), EINVAL);
	CHECK_EQ(at[0], 'a');
}

CASE(shmdt_of_an_attachment_that_was_moved)
{
	int segment = new_segment(page_size());
	char *at = attach(segment);
	char *there = free_pages(1);
	at[0] = 'a';
	CHECK(mremap(at, page_size(), page_size(), MREMAP_MAYMOVE | MREMAP_FIXED, there) == there);
	CHECK_EQ(there[0], 'a');
	CHECK_FAILS(shmdt(at), EINVAL);
	CHECK_OK(shmdt(there));
	CHECK_EQ(attached(segment), 0);
}

static char *inherited;

static void detach_inherited(int segment)
{
	CHECK_EQ(attached(segment), 2);
	CHECK_OK(shmdt(inherited));
	CHECK_FAILS(shmdt(inherited), EINVAL);
	CHECK_EQ(attached(segment), 1);
}

CASE(shmdt_in_a_child_detaches_the_child)
{
	int segment = new_segment(100);
	inherited = attach(segment);
	in_child(detach_inherited, segment);
	CHECK_EQ(attached(segment), 1);
	strcpy(inherited, "here still");
	CHECK_OK(shmdt(inherited));
}

static void *detaches(void *at)
{
	return (void *)(intptr_t)(shmdt(at) == 0);
}

CASE(shmdt_by_one_of_several_threads)
{
	enum { THREADS = 4, ROUNDS = 50 };
	int segment = new_segment(100);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		char *at = attach(segment);
		int detached = 0;
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, detaches, at), 0);
		for (int i = 0; i < THREADS; i++) {
			void *did;
			CHECK_EQ(pthread_join(threads[i], &did), 0);
			detached += did != NULL;
		}
		CHECK_EQ(detached, 1);
		CHECK_EQ(attached(segment), 0);
	}
}

/* Attaches a segment in page 0, which root may have unless the system forbids it. */
static void attach_in_page_0(int segment)
{
	void *at = shmat(segment, (void *)1, SHM_RND);
	if (at == NOWHERE && (errno == EPERM || errno == EACCES))
		CHECK_SKIP("nothing can be mapped in page 0 here");
	CHECK(at == NULL);
}

CASE(shmdt_of_page_0)
{
	int segment = new_segment(3 * page_size());
	attach_in_page_0(segment);
	CHECK_EQ(attached(segment), 1);
	CHECK_FAILS(shmdt((char *)page_size()), EINVAL);
	CHECK_OK(shmdt(NULL));
	CHECK_EQ(attached(segment), 0);
	CHECK_FAILS(shmdt(NULL), EINVAL);
}

CASE(shmdt_of_page_0_destroys_what_has_been_removed)
{
	int segment = new_segment(page_size());
	attach_in_page_0(segment);
	remove_segment(segment);
	CHECK_EQ(attached(segment), 1);
	CHECK_OK(shmdt(NULL));
	CHECK(is_destroyed(segment));
}

CASE(shmat_in_page_0_takes_the_place_of_what_is_there)
{
	int segment = new_segment(page_size()), other = new_segment(page_size());
	attach_in_page_0(segment);
	attach_in_page_0(other);
	CHECK_EQ(attached(segment), 0);
	CHECK_EQ(attached(other), 1);
	CHECK_OK(shmdt(NULL));
	CHECK_EQ(attached(other), 0);
}
