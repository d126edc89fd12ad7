/* Calls on robust semaphores that a signal handler leaves for good, by siglongjmp(3). */
#include <dirent.h>
#include <setjmp.h>
#include <sys/time.h>
#include "../support/robust.h"

/* More than there are lanes, by far: many of the calls have none when they are left. */
enum { LEFT = 300, TOKENS = 1000, LANES = 8, STACK = 64 * 1024 };

static sigjmp_buf back;

static void jump(int signal)
{
	siglongjmp(back, signal);
}

static void jump_out_of_calls(int flags)
{
	struct sigaction action = { .sa_handler = jump, .sa_flags = flags };
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
}

static void strike_soon(int microseconds)
{
	struct itimerval soon = { { 0, 0 }, { 0, microseconds } };
	CHECK_OK(setitimer(ITIMER_REAL, &soon, NULL));
}

/* Each call of which may be left. */
static void call_until_struck(sem_t *sem)
{
	for (;;) {
		sem_post(sem);
		sem_trywait(sem);
	}
}

/* From another depth of the stack each time. */
static void call_deeper(sem_t *sem, int depth)
{
	char deep[depth * 2048 + 1];
	__asm__ volatile("" : : "r"(deep) : "memory");
	call_until_struck(sem);
	__asm__ volatile("" : : "r"(deep) : "memory");
}

/* Where frames were that are gone. */
__attribute__((noinline)) static void use_the_stack(void)
{
	char deep[STACK];
	memset(deep, 1, sizeof deep);
	__asm__ volatile("" : : "r"(deep) : "memory");
}

static void leave_calls(sem_t *sem, int depths)
{
	for (volatile int i = 0; i < LEFT; i++)
		if (sigsetjmp(back, 1) == 0) {
			strike_soon(20 + i % 97);
			call_deeper(sem, i % depths);
		}
}

/* What its lanes hold: they are 64 bytes each, from byte 512 of the ledger on. */
static int lanes_in_use(const char *ledger)
{
	int count = 0;
	for (int lane = 0; lane < LANES; lane++) {
		const void *word = ledger + 512 + 64 * lane;
		count += __atomic_load_n((const uint64_t *)word, __ATOMIC_SEQ_CST) != 0;
	}
	return count;
}

/* Mapped by a process that does not use it: to close the file would give back its locks. */
static const char *map_ledger(sem_t *sem)
{
	int fd = open(ledger_path(sem), O_RDONLY | O_CLOEXEC);
	CHECK_OK(fd);
	const char *ledger = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(ledger != MAP_FAILED);
	return ledger;
}

static void leave_all_and_hold(sem_t *sem, int depths)
{
	for (int i = 0; i < TOKENS / 2; i++)
		CHECK_OK(sem_trywait(sem));
	leave_calls(sem, depths);
	use_the_stack();
	/* This one ends what was left. */
	CHECK_OK(sem_trywait(sem));
}

static void leave_and_hold(sem_t *sem)
{
	jump_out_of_calls(0);
	leave_all_and_hold(sem, 1);
}

static void leave_at_depths_and_hold(sem_t *sem)
{
	jump_out_of_calls(0);
	leave_all_and_hold(sem, 7);
}

static void leave_on_another_stack_and_hold(sem_t *sem)
{
	static char memory[STACK];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof memory };
	CHECK_OK(sigaltstack(&stack, NULL));
	jump_out_of_calls(SA_ONSTACK);
	leave_all_and_hold(sem, 1);
}

/* All is in order: no lane is taken, others are as fast as ever, and the end of the process gives
 * back what it has taken, neither more nor less. */
static void leaves_nothing_behind(void (*act)(sem_t *))
{
	sem_t *sem = robust_sem(TOKENS);
	struct holder *holder = holder_of(sem, act);
	const char *ledger = map_ledger(sem);
	CHECK_EQ(lanes_in_use(ledger), 0);
	CHECK_EQ(waiters_of(sem), 0);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == TOKENS);
	check_stays(sem, TOKENS);
	CHECK_EQ(lanes_in_use(ledger), 0);
	CHECK_EQ(waiters_of(sem), 0);
	CHECK_EQ(rsipc_sem_wasdead(sem), 1);
}

CASE(robust_calls_that_are_left_by_siglongjmp)
{
	leaves_nothing_behind(leave_and_hold);
}

CASE(robust_calls_that_are_left_at_several_depths)
{
	leaves_nothing_behind(leave_at_depths_and_hold);
}

CASE(robust_calls_that_are_left_from_another_stack)
{
	leaves_nothing_behind(leave_on_another_stack_and_hold);
}

static int threads(void)
{
	int count = 0;
	DIR *tasks = opendir("/proc/self/task");
	CHECK(tasks != NULL);
	while (readdir(tasks))
		count++;
	closedir(tasks);
	return count;
}

/* A thread that has left the use is not inside any more. */
CASE(robust_use_ends_although_calls_were_left)
{
	sem_t *sem = shared_sem(1);
	int before = threads();
	make_robust(sem);
	CHECK_EQ(threads(), before + 1);
	char path[64];
	strcpy(path, ledger_path(sem));
	jump_out_of_calls(0);
	leave_calls(sem, 7);
	use_the_stack();
	CHECK_OK(sem_destroy(sem));
	CHECK_SOON(threads() == before);
	CHECK_EQ(access(path, F_OK), -1);
}

static sem_t *the_sem;
static int is_over;

/* Within the call that it interrupts, which goes on. */
static void call_in_handler(int signal)
{
	(void)signal;
	CHECK_OK(sem_post(the_sem));
	CHECK_OK(sem_trywait(the_sem));
}

static void *call_often(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++) {
		CHECK_OK(sem_post(the_sem));
		CHECK_OK(sem_trywait(the_sem));
	}
	return NULL;
}

/* Until it has been struck often. */
static void *be_struck(void *unused)
{
	sigset_t usr1;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL), 0);
	while (!__atomic_load_n(&is_over, __ATOMIC_SEQ_CST))
		call_often(unused);
	return NULL;
}

static void *strike_often(void *thread)
{
	for (int i = 0; i < 500; i++) {
		CHECK_EQ(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
		nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	}
	return NULL;
}

/* One thread leaves its calls. Another one is interrupted in its calls, by calls that nobody
 * leaves. */
static void leave_beside_others(sem_t *sem)
{
	pthread_t struck, striker;
	sigset_t signals;
	the_sem = sem;
	struct sigaction action = { .sa_handler = call_in_handler, .sa_flags = SA_RESTART };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGALRM);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &signals, NULL), 0);
	CHECK_EQ(pthread_create(&struck, NULL, be_struck, NULL), 0);
	CHECK_EQ(pthread_create(&striker, NULL, strike_often, &struck), 0);
	sigdelset(&signals, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &signals, NULL), 0);
	leave_and_hold(sem);
	CHECK_EQ(pthread_join(striker, NULL), 0);
	__atomic_store_n(&is_over, 1, __ATOMIC_SEQ_CST);
	CHECK_EQ(pthread_join(struck, NULL), 0);
}

CASE(robust_calls_that_are_left_beside_other_threads)
{
	leaves_nothing_behind(leave_beside_others);
}
