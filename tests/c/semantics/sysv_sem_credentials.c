/* A process that becomes another user is judged as that one from the next call on: what it was
 * allowed before does not count. The cases need root, to become another user. */
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include "../support/sysv_credentials.h"

static void seteuid_body(void)
{
	is_in();
	for (int i = 0; i < 3; i++) {
		CHECK_OK(seteuid(NOBODY));
		is_out();
		CHECK_OK(seteuid(0));
		is_in();
	}
}

CASE(semop_after_seteuid)
{
	with_set(0600, seteuid_body);
}

static void setuid_body(void)
{
	is_in();
	CHECK_OK(setuid(NOBODY));
	is_out();
}

CASE(semop_after_setuid)
{
	with_set(0600, setuid_body);
}

static void setreuid_body(void)
{
	is_in();
	CHECK_OK(setreuid(-1, NOBODY));
	is_out();
	CHECK_OK(setreuid(NOBODY, 0));
	is_in();
}

CASE(semop_after_setreuid)
{
	with_set(0600, setreuid_body);
}

static void setresuid_body(void)
{
	is_in();
	CHECK_OK(setresuid(NOBODY, NOBODY, 0));
	is_out();
	CHECK_OK(setresuid(-1, 0, -1));
	is_in();
}

CASE(semop_after_setresuid)
{
	with_set(0600, setresuid_body);
}

static void setfsuid_body(void)
{
	is_in();
	CHECK_EQ(setfsuid(NOBODY), 0);
	CHECK_EQ(setfsgid(NOBODY), 0);
	is_in();
	CHECK_EQ(setfsuid(-1), NOBODY);
	CHECK_EQ(setfsgid(-1), NOBODY);
}

CASE(semop_does_not_care_for_setfsuid)
{
	with_set(0600, setfsuid_body);
}

static void unshare_body(void)
{
	is_in();
	if (unshare(CLONE_NEWUSER) != 0)
		CHECK_SKIP("there are no user namespaces here");
	is_in();
}

CASE(semop_after_unshare_of_the_user_namespace)
{
	with_set(0600, unshare_body);
}

static void failing_body(void)
{
	is_in();
	CHECK_FAILS(seteuid(-1), EINVAL);
	CHECK_FAILS(setegid(-1), EINVAL);
	CHECK_FAILS(setgroups(1 << 20, NULL), EINVAL);
	CHECK_FAILS(unshare(-1), EINVAL);
	CHECK_FAILS(setns(-1, 0), EBADF);
	is_in();
	become_user(NOBODY, NOBODY);
	CHECK_FAILS(setuid(0), EPERM);
	CHECK_FAILS(seteuid(0), EPERM);
	CHECK_FAILS(setreuid(0, 0), EPERM);
	CHECK_FAILS(setresuid(0, 0, 0), EPERM);
	CHECK_FAILS(setgid(0), EPERM);
	CHECK_FAILS(setegid(0), EPERM);
	CHECK_FAILS(setregid(0, 0), EPERM);
	CHECK_FAILS(setresgid(0, 0, 0), EPERM);
	CHECK_FAILS(setgroups(0, NULL), EPERM);
	is_out();
	errno = 77;
	CHECK_OK(setuid(NOBODY));
	CHECK_OK(setresgid(-1, -1, -1));
	CHECK_EQ(errno, 77);
}

CASE(semop_after_changes_of_credentials_that_fail)
{
	with_set(0600, failing_body);
}

/* A thread that operates when it is told to. */
static struct {
	int step, done;
	bool might;
} other;

static void *operates(void *unused)
{
	for (int i = 1; i <= 3; i++) {
		CHECK_SOON(__atomic_load_n(&other.step, __ATOMIC_SEQ_CST) == i);
		other.might = may_operate();
		__atomic_store_n(&other.done, i, __ATOMIC_SEQ_CST);
	}
	return unused;
}

static bool other_may_operate(void)
{
	int step = __atomic_add_fetch(&other.step, 1, __ATOMIC_SEQ_CST);
	CHECK_SOON(__atomic_load_n(&other.done, __ATOMIC_SEQ_CST) == step);
	return other.might;
}

static void threads_body(void)
{
	pthread_t thread;
	is_in();
	CHECK_EQ(pthread_create(&thread, NULL, operates, NULL), 0);
	CHECK(other_may_operate());
	CHECK_OK(seteuid(NOBODY));
	CHECK(!other_may_operate());
	is_out();
	CHECK_OK(seteuid(0));
	CHECK(other_may_operate());
	is_in();
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(semop_of_a_thread_after_seteuid_of_another)
{
	with_set(0600, threads_body);
}

static void *drops(void *unused)
{
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	return unused;
}

static void drops_in_thread_body(void)
{
	pthread_t thread;
	is_in();
	CHECK_EQ(pthread_create(&thread, NULL, drops, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	is_out();
}

CASE(semop_after_setresuid_of_a_thread_that_has_ended)
{
	with_set(0600, drops_in_thread_body);
}

/* Not by way of the C library, which would change all threads. */
static void *drops_alone(void *unused)
{
	is_in();
	CHECK_OK(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY));
	CHECK_SOON(!may_operate());
	return unused;
}

static void system_call_body(void)
{
	pthread_t thread;
	is_in();
	CHECK_EQ(pthread_create(&thread, NULL, drops_alone, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	is_in();
}

CASE(semop_soon_after_a_system_call_that_changes_one_thread)
{
	with_set(0600, system_call_body);
}

static void vfork_body(void)
{
	is_in();
	pid_t pid = vfork();
	if (pid == 0) {
		if (setuid(NOBODY) != 0)
			_exit(1);
		_exit(0);
	}
	check_child(pid);
	is_in();
}

CASE(semop_after_setuid_in_the_child_of_a_vfork)
{
	with_set(0600, vfork_body);
}
