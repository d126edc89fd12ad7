/* A call that stops in its middle: its body runs into memory that cannot be read, and the handler of SIGSEGV does what a
 * handler may do. (The kernel's queues give EFAULT instead.) Whatever ends there, all the room of the queue is left. */
#include "../support/queue.h"

#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <ucontext.h>
#include <sys/syscall.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { SIZE = 600, DEPTH = 4, STACK = 256 << 10 };

static mqd_t first, second;
static char *body, *wall;
static void (*at_wall)(void);
static volatile sig_atomic_t depth;

static void build_wall(void)
{
	wall = body + 4096;
	CHECK_OK(mprotect(wall, 4096, PROT_NONE));
}

static void tear_wall_down(void)
{
	CHECK_OK(mprotect(wall, 4096, PROT_READ | PROT_WRITE));
}

static void hit_wall(int signal)
{
	(void)signal;
	depth++;
	at_wall();
	depth--;
}

static void handle_wall(int flags, void (*act)(void))
{
	struct sigaction action = { .sa_handler = hit_wall, .sa_flags = SA_NODEFER | flags };
	at_wall = act;
	CHECK_OK(sigaction(SIGSEGV, &action, NULL));
}

static mqd_t make_queue(int n)
{
	return queue_create(n, O_RDWR | O_NONBLOCK, DEPTH, SIZE);
}

static void make_ground(void)
{
	first = make_queue(0);
	second = make_queue(1);
	body = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(body != MAP_FAILED);
	memset(body, 'A', 8192);
	build_wall();
}

/* Half of it can be read. */
static int send_against_wall(mqd_t queue)
{
	return mq_send(queue, wall - SIZE / 2, SIZE, 0);
}

static void expect_room(mqd_t queue)
{
	char text[SIZE] = "";
	struct mq_attr wait = { .mq_flags = 0 };
	struct timespec when = deadline_ms(5000);
	CHECK_OK(mq_setattr(queue, &wait, NULL));
	for (long left = DEPTH - queue_count(queue); left > 0; left--)
		CHECK_OK(mq_timedsend(queue, text, SIZE, 0, &when));
	CHECK_EQ(queue_count(queue), DEPTH);
}

static void expect_room_in_both(void)
{
	expect_room(second);
	expect_room(first);
}

static void stay_here(void)
{
	for (;;)
		pause();
}

static void end_by_kill(void)
{
	kill(getpid(), SIGKILL);
	stay_here();
}

static void nested_then_kill(void)
{
	if (depth == 1)
		send_against_wall(second);
	end_by_kill();
}

static void kill_in_nested_call(bool reaped)
{
	make_ground();
	pid_t child = check_fork();
	if (child == 0) {
		handle_wall(0, nested_then_kill);
		send_against_wall(first);
		end_by_kill();
	}
	siginfo_t end;
	CHECK_OK(waitid(P_PID, (id_t)child, &end, WEXITED | (reaped ? 0 : WNOWAIT)));
	expect_room_in_both();
}

CASE(mq_send_nested_in_a_handler_and_killed_leaves_the_room)
{
	kill_in_nested_call(true);
}

CASE(mq_send_nested_in_a_handler_of_a_zombie_leaves_the_room)
{
	kill_in_nested_call(false);
}

static void exec_here(void)
{
	execl("/bin/sleep", "sleep", "5", NULL);
	_exit(1);
}

static void *send_in_thread(void *unused)
{
	(void)unused;
	send_against_wall(first);
	exec_here();
	return NULL;
}

CASE(mq_send_of_a_thread_that_is_not_the_leader_and_execs_leaves_the_room)
{
	make_ground();
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		handle_wall(0, exec_here);
		CHECK_EQ(pthread_create(&thread, NULL, send_in_thread, NULL), 0);
		stay_here();
	}
	char path[64], name[32] = "";
	snprintf(path, sizeof path, "/proc/%d/comm", (int)child);
	for (int ms = 0; strncmp(name, "sleep", 5) != 0; ms++) {
		CHECK(ms < 5000);
		pause_ms(1);
		FILE *file = fopen(path, "re");
		CHECK(file && fgets(name, sizeof name, file));
		fclose(file);
	}
	expect_room(first);
	CHECK_OK(kill(child, SIGKILL));
}

static atomic_int thread_over;

static void end_thread(void)
{
	if (depth == 1)
		send_against_wall(second);
	atomic_store(&thread_over, 1);
	syscall(SYS_exit, 0);
}

static void *end_in_the_middle(void *without_list)
{
	if (without_list)
		CHECK_OK(syscall(SYS_set_robust_list, NULL, sizeof(struct robust_list_head)));
	send_against_wall(first);
	end_thread();
	return NULL;
}

static void thread_that_ends(void *without_list)
{
	pthread_t thread;
	make_ground();
	handle_wall(0, end_thread);
	CHECK_EQ(pthread_create(&thread, NULL, end_in_the_middle, without_list), 0);
	CHECK_SOON(atomic_load(&thread_over));
	depth = 0;
	expect_room_in_both();
}

CASE(mq_send_of_a_thread_that_ends_in_a_handler_leaves_the_room)
{
	thread_that_ends(NULL);
}

CASE(mq_send_of_a_thread_without_a_robust_list_leaves_the_room)
{
	thread_that_ends(&thread_over);
}

static void mutex_then_kill(void)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)(body + 64);
	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
	end_by_kill();
}

CASE(mq_send_whose_handler_used_a_robust_mutex_leaves_the_room)
{
	make_ground();
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	CHECK_EQ(pthread_mutex_init((pthread_mutex_t *)(body + 64), &attr), 0);
	pid_t child = check_fork();
	if (child == 0) {
		handle_wall(0, mutex_then_kill);
		send_against_wall(first);
		end_by_kill();
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	expect_room(first);
}

CASE(mq_send_of_a_vfork_child_that_dies_leaves_the_room)
{
	char text[SIZE] = "";
	make_ground();
	/* The parent has been here before. */
	CHECK_OK(mq_send(first, text, SIZE, 0));
	CHECK_EQ(mq_receive(first, text, SIZE, NULL), SIZE);
	pid_t child = vfork();
	if (child == 0) {
		send_against_wall(first);
		_exit(0);
	}
	CHECK_OK(child);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	expect_room(first);
}

CASE(mq_send_first_made_by_a_vfork_child_leaves_the_parent_whole)
{
	make_ground();
	pid_t child = vfork();
	if (child == 0) {
		mq_send(first, "child", 5, 0);
		_exit(0);
	}
	CHECK_OK(child);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	queue_expect(first, "child", 0);
	queue_put(first, "parent", 0);
	queue_expect(first, "parent", 0);
	expect_room(first);
}

/* Stacks: the handler's call is on another one than the call that it has interrupted, and that goes on. */

static int nested_result;
static ucontext_t interrupted, coroutine;
static char *stack;

static void send_whole(void)
{
	tear_wall_down();
	char text[SIZE];
	memset(text, 'B', SIZE);
	nested_result = mq_send(first, text, SIZE, 0);
}

static void send_in_coroutine(void)
{
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = STACK;
	coroutine.uc_link = &interrupted;
	makecontext(&coroutine, send_whole, 0);
	CHECK_OK(swapcontext(&interrupted, &coroutine));
}

static void expect_whole(int sent)
{
	char text[SIZE];
	for (int i = 0; i < sent; i++) {
		CHECK_EQ(mq_receive(first, text, SIZE, NULL), SIZE);
		for (int at = 1; at < SIZE; at++)
			CHECK_EQ(text[at], text[0]);
	}
	CHECK_EQ(queue_count(first), 0);
}

static void *send_on_stacks(void *flags)
{
	unsigned disarm = flags ? *(unsigned *)flags : 0;
	stack_t alternate = { .ss_sp = stack, .ss_size = STACK, .ss_flags = (int)disarm };
	if (flags)
		CHECK_OK(sigaltstack(&alternate, NULL));
	int result = send_against_wall(first);
	/* The kernel's queues do not run into the wall. */
	if (result == -1) {
		CHECK_EQ(errno, EFAULT);
		send_whole();
		expect_whole(1);
	} else {
		CHECK_EQ(nested_result, 0);
		expect_whole(2);
	}
	return NULL;
}

/* `above`: the other stack has the higher addresses. */
static void send_beside(bool above, unsigned *flags)
{
	static char local[STACK] __attribute__((aligned(64)));
	pthread_t thread;
	make_ground();
	char *mapped = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mapped != MAP_FAILED);
	stack = above ? mapped : local;
	handle_wall(flags ? SA_ONSTACK : 0, flags ? send_whole : send_in_coroutine);
	CHECK_EQ(pthread_create(&thread, NULL, send_on_stacks, flags), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	expect_room(first);
}

CASE(mq_send_of_a_handler_on_an_alternate_stack_leaves_the_interrupted_one_alone)
{
	unsigned none = 0;
	send_beside(true, &none);
}

CASE(mq_send_of_a_handler_on_a_disarmed_alternate_stack_leaves_the_interrupted_one_alone)
{
	unsigned disarm = SS_AUTODISARM;
	send_beside(true, &disarm);
}

CASE(mq_send_of_a_coroutine_above_leaves_the_interrupted_one_alone)
{
	send_beside(true, NULL);
}

CASE(mq_send_of_a_coroutine_below_leaves_the_interrupted_one_alone)
{
	send_beside(false, NULL);
}

static sigjmp_buf out;

static void jump_out(void)
{
	siglongjmp(out, 1);
}

CASE(mq_send_left_by_siglongjmp_again_and_again_leaves_the_room)
{
	make_ground();
	handle_wall(0, jump_out);
	for (volatile int i = 0; i < 40; i++) {
		depth = 0;
		if (sigsetjmp(out, 1) == 0)
			send_against_wall(i % 2 ? second : first);
	}
	expect_room_in_both();
}

/* PID namespaces, in each of which the one that counts is process 1. */

static pid_t fork_as_first(void)
{
	if (unshare(CLONE_NEWPID) == -1)
		return -1;
	return check_fork();
}

static atomic_int *at_wall_now, *go_on;

static void linger(void)
{
	atomic_store(at_wall_now, 1);
	while (!atomic_load(go_on))
		pause_ms(1);
	tear_wall_down();
}

static void send_and_nest(void)
{
	if (depth == 1)
		send_against_wall(second);
	linger();
}

/* Runs this as process 1 of a namespace; true if it could. */
static pid_t run_as_first(void (*act)(void))
{
	pid_t keeper = check_fork();
	if (keeper == 0) {
		pid_t one = fork_as_first();
		if (one == 0) {
			act();
			_exit(0);
		}
		if (one > 0)
			check_child(one);
		_exit(one > 0 ? 0 : CHECK_SKIPPED);
	}
	return keeper;
}

static bool ended_well(pid_t keeper)
{
	int status;
	CHECK_EQ(waitpid(keeper, &status, 0), keeper);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHECK_SKIPPED)
		return false;
	CHECK_EQ(status, 0);
	return true;
}

static void send_slowly(void)
{
	handle_wall(0, send_and_nest);
	int result = send_against_wall(first);
	if (result == -1) {
		CHECK_EQ(errno, EFAULT);
		atomic_store(at_wall_now, 1);
		tear_wall_down();
		CHECK_OK(send_against_wall(first));
		CHECK_OK(send_against_wall(second));
	}
}

static void send_meanwhile(void)
{
	char text[SIZE];
	/* What it finds under way it waits for, for a while. */
	struct timespec when = deadline_ms(200);
	struct mq_attr wait = { .mq_flags = 0 };
	CHECK_OK(mq_setattr(second, &wait, NULL));
	memset(text, 'B', SIZE);
	while (mq_timedreceive(second, text, SIZE, NULL, &when) == SIZE)
		CHECK_EQ(text[0], 'A');
	CHECK_OK(mq_send(first, text, SIZE, 0));
	memset(text, 'B', SIZE);
	CHECK_OK(mq_send(second, text, SIZE, 0));
}

CASE(mq_calls_of_equal_tids_in_two_pid_namespaces_leave_each_other_alone)
{
	make_ground();
	atomic_int *shared = shared_memory(2 * sizeof *shared);
	at_wall_now = shared;
	go_on = shared + 1;
	pid_t one = run_as_first(send_slowly);
	for (int ms = 0; !atomic_load(at_wall_now); ms++) {
		CHECK(ms < 5000);
		if (waitpid(one, NULL, WNOHANG | WNOWAIT) == one)
			break;
		pause_ms(1);
	}
	if (!atomic_load(at_wall_now))
		CHECK_SKIP("no PID namespaces");
	CHECK(ended_well(run_as_first(send_meanwhile)));
	atomic_store(go_on, 1);
	CHECK(ended_well(one));
	char text[SIZE];
	for (mqd_t queue = first;; queue = second) {
		while (queue_count(queue) > 0) {
			CHECK_EQ(mq_receive(queue, text, SIZE, NULL), SIZE);
			for (int at = 1; at < SIZE; at++)
				CHECK_EQ(text[at], text[0]);
		}
		if (queue == second)
			break;
	}
	expect_room_in_both();
}

static void nested_in_namespace_then_kill(void)
{
	handle_wall(0, nested_then_kill);
	send_against_wall(first);
	end_by_kill();
}

CASE(mq_send_nested_and_killed_in_another_pid_namespace_leaves_the_room)
{
	make_ground();
	pid_t keeper = check_fork();
	if (keeper == 0) {
		pid_t one = fork_as_first();
		if (one == 0)
			nested_in_namespace_then_kill();
		if (one > 0) {
			/* Signals of its own do not end process 1. */
			pause_ms(50);
			CHECK_OK(kill(one, SIGKILL));
			CHECK_EQ(waitpid(one, NULL, 0), one);
		}
		_exit(one > 0 ? 0 : CHECK_SKIPPED);
	}
	if (!ended_well(keeper))
		CHECK_SKIP("no PID namespaces");
	expect_room_in_both();
}
