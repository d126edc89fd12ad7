/* Calls that neither sleep nor wake make no system call, not even the first ones of a process: a
 * program may use them under a filter that forbids everything else. */
#include "../support/quiet.h"
#include "../support/sem.h"

static sem_t *sem;

static void make(void)
{
	sem = shared_sem(1);
}

static void open_named(void)
{
	sem = open_new(check_name("sem"), 1);
}

static void use(void)
{
	struct timespec past = { 0, 0 };
	int value = -1;
	CHECK_OK(sem_wait(sem));
	CHECK_FAILS(sem_trywait(sem), EAGAIN);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_timedwait(sem, &past));
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_clockwait(sem, CLOCK_MONOTONIC, &past));
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_trywait(sem));
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_getvalue(sem, &value));
	CHECK_EQ(value, 1);
	CHECK_OK(sem_destroy(sem));
	CHECK_OK(sem_init(sem, 1, 5));
}

static void makes_no_call(void (*prepare)(void))
{
	long call = quiet_first_call(prepare, use);
	if (call == QUIET_REFUSED)
		CHECK_SKIP("no filter can be set here");
	CHECK_EQ(call, QUIET);
}

CASE(sem_calls_that_do_not_wait_make_no_system_call)
{
	makes_no_call(make);
}

CASE(sem_calls_on_a_named_one_make_no_system_call)
{
	makes_no_call(open_named);
}

CASE(sem_that_cannot_be_written_to_is_read)
{
	int value = -1;
	sem = shared_sem(0);
	CHECK_OK(mprotect(sem, 4096, PROT_READ));
	CHECK_OK(sem_getvalue(sem, &value));
	CHECK_EQ(value, 0);
	CHECK_FAILS(sem_trywait(sem), EAGAIN);
}
