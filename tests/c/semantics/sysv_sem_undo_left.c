/* A process that leaves its list of adjustments by unshare(2): they are applied then. */
#include <sched.h>
#include "../support/sysv_holders.h"

CASE(semop_undo_comes_when_the_process_leaves_it_by_unshare)
{
	int set = new_set_of_value(3);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	CHECK_OK(unshare(CLONE_SYSVSEM));
	CHECK_EQ(value_of(set, 0), 3);
}

CASE(semop_undo_after_unshare_begins_anew_and_serves_sleepers)
{
	int set = new_set_of_value(3);
	struct holder *holder = common_memory(sizeof *holder);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(SEMOP(set, { 0, -3, SEM_UNDO }));
		struct sleeper *sleeper = PROCESS_SLEEPS(set, { 0, -3, 0 });
		CHECK_OK(unshare(CLONE_SYSVSEM));
		CHECK_EQ(end_of(sleeper), 0);
		CHECK_EQ(semctl(set, 0, GETPID), sleeper->pid);
		CHECK_OK(SEMOP(set, { 0, 2, SEM_UNDO }));
		hold_until_told(holder);
	}
	await_ready(holder);
	CHECK_EQ(value_of(set, 0), 2);
	__atomic_store_n(&holder->end, EXITS_AT_ONCE, __ATOMIC_RELEASE);
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 0);
}

static void *say_number(void *number)
{
	*(pid_t *)number = gettid();
	return NULL;
}

CASE(semop_undo_comes_by_unshare_once_the_other_thread_has_ended)
{
	int set = new_set_of_value(3);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	pthread_t thread;
	pid_t number;
	CHECK_EQ(pthread_create(&thread, NULL, say_number, &number), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d", (int)number);
	CHECK_SOON(access(path, F_OK) == -1);
	CHECK_OK(unshare(CLONE_SYSVSEM));
	CHECK_EQ(value_of(set, 0), 3);
}

static void *wait_for_it(void *barrier)
{
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

CASE(semop_undo_stays_when_one_of_two_threads_leaves_it_by_unshare)
{
	int set = new_set_of_value(3);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	pthread_barrier_t barrier;
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, wait_for_it, &barrier), 0);
	pthread_barrier_wait(&barrier);
	CHECK_OK(unshare(CLONE_SYSVSEM));
	CHECK_EQ(value_of(set, 0), 1);
	pthread_barrier_wait(&barrier);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(semop_undo_stays_when_a_vfork_child_leaves_its_own_by_unshare)
{
	int set = new_set_of_value(3);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	pid_t pid = vfork();
	if (pid == 0)
		_exit(unshare(CLONE_SYSVSEM) != 0);
	check_child(pid);
	CHECK_EQ(value_of(set, 0), 1);
}

CASE(semop_undo_comes_when_the_process_enters_an_ipc_namespace)
{
	int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	int other = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	CHECK_OK(own);
	CHECK_OK(other);
	int set = new_set_of_value(3);
	CHECK_OK(SEMOP(set, { 0, -2, SEM_UNDO }));
	if (setns(other, 0) == -1)
		CHECK_SKIP("no namespace may be entered");
	CHECK_FAILS(setns(own, CLONE_NEWUTS), EINVAL);
	CHECK_EQ(value_of(set, 0), 1);
	CHECK_OK(setns(own, 0));
	CHECK_EQ(value_of(set, 0), 3);
}
