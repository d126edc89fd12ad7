/* Segments that are made and removed again and again, and on little stack. */
#include "../support/smallest_stack.h"
#include "../support/sysv_shm.h"

enum {
	ROUNDS = 1500,
	/* Mappings of what has been removed, at most: that may be noticed late. */
	LEFT = 900,
};

CASE(shmctl_rmid_of_what_is_attached_leaves_nothing_when_it_is_detached)
{
	long before = mappings();
	for (int i = 0; i < ROUNDS; i++) {
		int segment = shmget(IPC_PRIVATE, 100, 0600);
		CHECK_OK(segment);
		char *at = attach(segment);
		CHECK_OK(shmctl(segment, IPC_RMID, NULL));
		CHECK_OK(shmdt(at));
	}
	CHECK(mappings() - before < LEFT);
}

static void *use(void *unused)
{
	int segment = noted(shmget(own_key(0), 4096, IPC_CREAT | 0600));
	char *at = attach(segment);
	CHECK_EQ(status_of(segment).shm_nattch, 1);
	CHECK_OK(shmctl(segment, IPC_RMID, NULL));
	CHECK_OK(shmdt(at));
	return unused;
}

CASE(shmat_and_its_kin_work_on_the_smallest_stack)
{
	on_the_smallest_stack(use);
}
