/* What is in the memory, and how much there is. */
#include "../support/sysv_shm.h"

CASE(shmat_a_new_segment_is_all_zeros)
{
	size_t sizes[] = { 1, 5000, 1 << 20 };
	for (int i = 0; i < 3; i++) {
		char *at = attach(new_segment(sizes[i]));
		for (size_t byte = 0; byte < sizes[i]; byte++)
			CHECK_EQ(at[byte], 0);
	}
}

CASE(shmat_the_last_page_is_zeros_to_its_end)
{
	char *at = attach(new_segment(5000));
	size_t end = (5000 + page_size() - 1) / page_size() * page_size();
	for (size_t byte = 5000; byte < end; byte++)
		CHECK_EQ(at[byte], 0);
	at[end - 1] = 'a';
	CHECK_EQ(at[end - 1], 'a');
}

/* What was written behind the size, within the last page, is seen by others that are attached. */
CASE(shmat_the_end_of_the_last_page_is_shared)
{
	int segment = new_segment(10);
	char *one = attach(segment), *other = attach(segment);
	one[page_size() - 1] = 'a';
	CHECK_EQ(other[page_size() - 1], 'a');
}

CASE(shmat_another_segment_does_not_see_what_was_there_before)
{
	for (int i = 0; i < 20; i++) {
		int segment = new_segment(1 << 16);
		char *at = attach(segment);
		for (size_t byte = 0; byte < 1 << 16; byte++)
			CHECK_EQ(at[byte], 0);
		memset(at, 'x', 1 << 16);
		CHECK_OK(shmdt(at));
		remove_segment(segment);
	}
}

CASE(shmat_all_of_a_large_segment_can_be_written)
{
	enum { LARGE = 64 << 20 };
	int segment = new_segment(LARGE);
	char *at = attach(segment), *reader = attach_with(segment, NULL, SHM_RDONLY);
	for (size_t byte = 0; byte < LARGE; byte += page_size())
		at[byte] = (char)(byte / page_size());
	for (size_t byte = 0; byte < LARGE; byte += page_size())
		CHECK_EQ(reader[byte], (char)(byte / page_size()));
}

CASE(shmat_two_processes_count_together)
{
	enum { PROCESSES = 4, TURNS = 20000 };
	int segment = new_segment(sizeof(int));
	pid_t child[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		child[i] = check_fork();
		if (child[i] == 0) {
			int *counter = (int *)attach(segment);
			for (int turn = 0; turn < TURNS; turn++)
				__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		check_child(child[i]);
	CHECK_EQ(*(int *)attach(segment), PROCESSES * TURNS);
}

CASE(shmat_a_futex_and_a_mutex_work_in_it)
{
	int segment = new_segment(sizeof(pthread_mutex_t) + sizeof(int));
	pthread_mutexattr_t attributes;
	pthread_mutex_t *mutex = (pthread_mutex_t *)attach(segment);
	int *counter = (int *)(mutex + 1);
	CHECK_EQ(pthread_mutexattr_init(&attributes), 0);
	CHECK_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_mutex_init(mutex, &attributes), 0);
	pid_t child[3];
	for (int i = 0; i < 3; i++) {
		child[i] = check_fork();
		if (child[i] == 0) {
			pthread_mutex_t *there = (pthread_mutex_t *)attach(segment);
			for (int turn = 0; turn < 5000; turn++) {
				CHECK_EQ(pthread_mutex_lock(there), 0);
				*(int *)(there + 1) += 1;
				CHECK_EQ(pthread_mutex_unlock(there), 0);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		check_child(child[i]);
	CHECK_EQ(*counter, 15000);
}

CASE(shmget_many_segments_at_a_time)
{
	enum { MANY = 500 };
	static int segment[MANY];
	for (int i = 0; i < MANY; i++) {
		segment[i] = new_segment(64);
		*(int *)attach(segment[i]) = i;
	}
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(*(int *)attach_with(segment[i], NULL, SHM_RDONLY), i);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(attached(segment[i]), 2);
}
