/* Two wakes on one sleeper: of a poster, and of another one's death. */
#include "../support/sem.h"
#include "../support/step.h"

#define BOUND_MS 5000

static struct ground {
	sem_t sem;
	int taken;
} *ground;

static int taken(void)
{
	return __atomic_load_n(&ground->taken, __ATOMIC_SEQ_CST);
}

static void take_one(void)
{
	CHECK_OK(sem_wait(&ground->sem));
	__atomic_add_fetch(&ground->taken, 1, __ATOMIC_SEQ_CST);
}

static void post(void)
{
	sem_post(&ground->sem);
}

static void rehearse(void)
{
	sem_t *rehearsal = mmap(NULL, sizeof *rehearsal, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(rehearsal != MAP_FAILED);
	CHECK_OK(sem_init(rehearsal, 1, 0));
	pid_t sleeper = check_fork();
	if (sleeper == 0)
		_exit(sem_wait(rehearsal) != 0);
	CHECK_SOON(waiters_of(rehearsal) == 1 && asleep(sleeper, sleeper));
	CHECK_OK(sem_post(rehearsal));
	check_child(sleeper);
}

static pid_t start_waiter(void)
{
	unsigned before = waiters_of(&ground->sem);
	pid_t waiter = check_fork();
	if (waiter == 0) {
		take_one();
		_exit(0);
	}
	CHECK_SOON(waiters_of(&ground->sem) == before + 1 && asleep(waiter, waiter));
	return waiter;
}

/* A poster that has posted, and has woken no waiter. */
static pid_t post_up_to_the_wake(void)
{
	int before = value_of(&ground->sem);
	pid_t victim = step_victim(rehearse, post);
	while (value_of(&ground->sem) == before)
		CHECK(step_one(victim) && step_stage() == 1);
	return victim;
}

static void await_taken(int count)
{
	for (int ms = 0; taken() < count; ms++) {
		if (ms > BOUND_MS)
			check_fail(__FILE__, __LINE__, "the value is %u, and a waiter sleeps",
				   value_of(&ground->sem));
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

static void make_ground(void)
{
	ground = mmap(NULL, sizeof *ground, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(ground != MAP_FAILED);
	CHECK_OK(sem_init(&ground->sem, 1, 0));
}

CASE_BETTER(two_posters_killed_before_their_wakes_wake_two_waiters,
	    "glibc's waiters sleep for ever if the poster dies between the increment and the wake")
{
	step_check_ptrace();
	for (int round = 0; round < 10; round++) {
		make_ground();
		pid_t waiters[] = { start_waiter(), start_waiter() };
		pid_t victims[] = { post_up_to_the_wake(), post_up_to_the_wake() };
		CHECK_EQ(value_of(&ground->sem), 2);
		for (int i = 0; i < 2; i++)
			CHECK_OK(kill(victims[i], SIGKILL));
		for (int i = 0; i < 2; i++)
			CHECK_EQ(waitpid(victims[i], NULL, 0), victims[i]);
		await_taken(2);
		check_child(waiters[0]);
		check_child(waiters[1]);
	}
}

/* On one processor: before a woken thread runs, the other poster is dead. Then both wakes may have
 * gone to it. */
CASE_BETTER(poster_killed_before_its_wake_while_another_one_posts,
	    "glibc's waiters sleep for ever if the poster dies between the increment and the wake")
{
	step_check_ptrace();
	for (int round = 0; round < 20; round++) {
		make_ground();
		step_on_one_processor();
		pid_t waiters[] = { start_waiter(), start_waiter() };
		pid_t victim = post_up_to_the_wake();
		CHECK_OK(kill(victim, SIGKILL));
		CHECK_OK(sem_post(&ground->sem));
		CHECK_EQ(waitpid(victim, NULL, 0), victim);
		await_taken(2);
		check_child(waiters[0]);
		check_child(waiters[1]);
	}
}

/* The bytes that glibc's sem_init leaves alone may hold anything: then no death wakes a waiter, and
 * nothing else changes. */
CASE(semaphore_with_any_bytes_behind_glibcs)
{
	for (int fill = 1; fill < 256; fill += 127) {
		make_ground();
		memset((char *)&ground->sem + 16, fill, sizeof ground->sem - 16);
		pid_t waiters[] = { start_waiter(), start_waiter() };
		CHECK_OK(sem_post(&ground->sem));
		CHECK_OK(sem_post(&ground->sem));
		check_child(waiters[0]);
		check_child(waiters[1]);
		CHECK_EQ(value_of(&ground->sem), 0);
	}
}
