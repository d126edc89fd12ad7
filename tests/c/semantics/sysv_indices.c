/* The indices of SEM_STAT are the same for all threads that ask at the same time, and for children
 * that they fork. */
#include "../support/check.h"

#include <pthread.h>
#include <sys/sem.h>

enum { SETS = 6, LOOPS = 400, ASKERS = 3, FORKS = 60 };

static int sets[SETS];

static int highest_index(void)
{
	struct seminfo info;
	int highest = semctl(0, 0, SEM_INFO, &info);
	CHECK_OK(highest);
	return highest;
}

/* Where the set is, which must be there once. */
static int index_of(int set)
{
	struct semid_ds status;
	int found = -1;
	/* Others make and remove sets meanwhile. */
	for (int index = 0; index <= highest_index() + 8; index++)
		if (semctl(index, 0, SEM_STAT, &status) == set) {
			CHECK_EQ(found, -1);
			found = index;
		}
	CHECK(found >= 0);
	return found;
}

/* So that the indices are not in the order of the ids: most come after the first query. */
static void create_sets(void)
{
	for (int i = 0; i < SETS; i++) {
		sets[i] = semget(IPC_PRIVATE, 1, 0600);
		CHECK_OK(sets[i]);
		highest_index();
	}
}

static void remove_sets(void)
{
	for (int i = 0; i < SETS; i++)
		CHECK_OK(semctl(sets[i], 0, IPC_RMID));
}

static void *asks(void *first)
{
	int index = *(int *)first;
	for (int i = 0; i < LOOPS; i++)
		CHECK_EQ(index_of(sets[0]), index);
	return NULL;
}

CASE(sem_stat_in_several_threads_finds_a_set_under_one_index)
{
	pthread_t threads[ASKERS];
	create_sets();
	int index = index_of(sets[0]);
	for (int i = 0; i < ASKERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, asks, &index), 0);
	for (int i = 0; i < ASKERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	remove_sets();
}

CASE(sem_stat_in_a_child_forked_beside_a_query_finds_a_set_under_its_index)
{
	pthread_t thread;
	create_sets();
	int index = index_of(sets[0]);
	CHECK_EQ(pthread_create(&thread, NULL, asks, &index), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t child = check_fork();
		if (child == 0) {
			CHECK_EQ(index_of(sets[0]), index);
			_exit(0);
		}
		check_child(child);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	remove_sets();
}
