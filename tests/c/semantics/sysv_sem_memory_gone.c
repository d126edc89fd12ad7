/* Memory that semop has used, and that the program then unmaps or protects, is EFAULT like any
 * other that is not there. */
#include "../support/memory_gone.h"
#include "../support/sysv_sem.h"

static int set;

static void operate(char *memory)
{
	struct sembuf *operations = (struct sembuf *)(void *)memory;
	operations[0] = (struct sembuf){ .sem_op = 1 };
	operations[1] = (struct sembuf){ .sem_op = -1 };
	CHECK_OK(semop(set, operations, 2));
}

static void check_no_operations(char *memory)
{
	CHECK_FAILS(semop(set, (struct sembuf *)(void *)memory, 2), EFAULT);
	CHECK_EQ(semctl(set, 0, GETVAL), 0);
}

CASE(semop_of_operations_that_are_not_there_any_more_is_efault)
{
	set = new_set(1);
	gone_each(operate, check_no_operations);
}

static void wait_for(char *memory)
{
	struct timespec *timeout = (struct timespec *)(void *)memory;
	*timeout = (struct timespec){ 0 };
	CHECK_FAILS(semtimedop(set, &(struct sembuf){ .sem_op = -1 }, 1, timeout), EAGAIN);
}

static void check_no_timeout(char *memory)
{
	const struct timespec *timeout = (const struct timespec *)(void *)memory;
	CHECK_FAILS(semtimedop(set, &(struct sembuf){ .sem_op = 1 }, 1, timeout), EFAULT);
	CHECK_EQ(semctl(set, 0, GETVAL), 0);
}

CASE(semtimedop_with_a_timeout_that_is_not_there_any_more_is_efault)
{
	set = new_set(1);
	gone_each(wait_for, check_no_timeout);
}
