/* Robust semaphores within a process: threads, signal handlers, cancellation, descriptors. */
#include <sys/time.h>
#include "../support/older.h"
#include "../support/robust.h"

enum { THREADS = 6, ROUNDS = 3000 };

static sem_t *the_sem;
static long the_counter;

static void *lock_and_unlock(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_OK(sem_wait(the_sem));
		the_counter++;
		CHECK_OK(sem_post(the_sem));
	}
	return NULL;
}

static void run_threads(void *(*body)(void *))
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, body, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void lock_in_threads(sem_t *sem)
{
	the_sem = sem;
	run_threads(lock_and_unlock);
	CHECK_EQ(the_counter, THREADS * ROUNDS);
}

CASE(robust_threads_exclude_each_other)
{
	sem_t *sem = robust_sem(1);
	struct holder *holder = holder_of(sem, lock_in_threads);
	CHECK_EQ(value_of(sem), 1);
	end_holder(holder, KILLED);
	check_stays(sem, 1);
	CHECK_EQ(rsipc_sem_wasdead(sem), 0);
}

/* One thread takes, another one posts: the process is in order. */
static void *take_many(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		take_one(arg);
	return NULL;
}

static void take_here_and_post_there(sem_t *sem)
{
	pthread_t taker;
	CHECK_EQ(pthread_create(&taker, NULL, take_many, sem), 0);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_OK(sem_post(sem));
	CHECK_EQ(pthread_join(taker, NULL), 0);
}

CASE(robust_counts_processes_and_not_threads)
{
	sem_t *sem = robust_sem(0);
	end_holder(holder_of(sem, take_here_and_post_there), KILLED);
	check_stays(sem, 0);
	CHECK_EQ(rsipc_sem_wasdead(sem), 0);
}

static void *take_and_end(void *arg)
{
	take_one(arg);
	return NULL;
}

static void take_in_a_thread_that_ends(sem_t *sem)
{
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, take_and_end, sem), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(robust_end_of_a_thread_gives_nothing_back)
{
	sem_t *sem = robust_sem(1);
	struct holder *holder = holder_of(sem, take_in_a_thread_that_ends);
	check_stays(sem, 0);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == 1);
}

static void *take_and_end_main(void *arg)
{
	struct holder *self = arg;
	CHECK_SOON(state_of(getpid(), getpid()) == 'Z');
	take_one(the_sem);
	hold_until_told(self);
}

/* The keeper does not keep the process alive, and lives on without the first thread. */
CASE(robust_after_the_end_of_the_first_thread)
{
	sem_t *sem = the_sem = robust_sem(1);
	struct holder *self = common_memory(sizeof *self);
	pid_t pid = check_fork();
	if (pid == 0) {
		pthread_t thread;
		make_robust(sem);
		CHECK_EQ(pthread_create(&thread, NULL, take_and_end_main, self), 0);
		pthread_exit(NULL);
	}
	self->pid = pid;
	CHECK_SOON(__atomic_load_n(&self->ready, __ATOMIC_ACQUIRE));
	check_stays(sem, 0);
	end_holder(self, KILLED);
	CHECK_SOON(value_of(sem) == 1);
}

CASE(robust_process_ends_with_its_last_thread)
{
	sem_t *sem = robust_sem(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		take_one(sem);
		pthread_exit(NULL);
	}
	check_child(pid);
	CHECK_SOON(value_of(sem) == 1);
}

static void take_in_vfork_child(sem_t *sem)
{
	pid_t child = vfork();
	if (child == 0)
		_exit(sem_trywait(sem) == -1);
	CHECK_OK(child);
	check_child(child);
}

/* The child of a vfork(2) would open an account that is its own to the kernel, and its parent's to
 * the program. So before its parent has one, it is not counted. */
CASE(robust_first_call_by_the_child_of_a_vfork)
{
	sem_t *sem = robust_sem(3);
	pid_t pid = check_fork();
	if (pid == 0) {
		take_in_vfork_child(sem);
		check_stays(sem, 2);
		take_one(sem);
		take_in_vfork_child(sem);
		check_stays(sem, 0);
		_exit(0);
	}
	check_child(pid);
	CHECK_SOON(value_of(sem) == 2);
	check_stays(sem, 2);
}

/* All handlers of the program run in its own threads. */
static void post_in_handler(int signal)
{
	(void)signal;
	int before = errno;
	CHECK_EQ(sem_post(the_sem), 0);
	the_counter++;
	errno = before;
}

static void strike_while_posting(sem_t *sem)
{
	the_sem = sem;
	the_counter = 0;
	struct sigaction action = { .sa_handler = post_in_handler, .sa_flags = SA_RESTART };
	CHECK_OK(sigaction(SIGALRM, &action, NULL));
	struct itimerval often = { { 0, 97 }, { 0, 97 } }, never = { { 0, 0 }, { 0, 0 } };
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < 20000 || __atomic_load_n(&the_counter, __ATOMIC_RELAXED) < 20; i++) {
		CHECK_OK(sem_post(sem));
		CHECK_OK(sem_wait(sem));
	}
	CHECK_OK(setitimer(ITIMER_REAL, &never, NULL));
	signal(SIGALRM, SIG_IGN);
	/* One was there before. */
	CHECK_EQ(value_of(sem), the_counter + 1);
	while (the_counter > 0) {
		CHECK_OK(sem_trywait(sem));
		the_counter--;
	}
	take_one(sem);
}

CASE(robust_in_signal_handlers)
{
	sem_t *sem = robust_sem(0);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(sem_post(sem));
		strike_while_posting(sem);
		_exit(0);
	}
	check_child(pid);
	/* It has posted one and taken one. */
	check_stays(sem, 0);
	CHECK_EQ(rsipc_sem_wasdead(sem), 0);
}

/* A handler that forks in the middle of an operation: both go on, and are two processes. */
static void fork_in_handler(int signal)
{
	(void)signal;
	int before = errno;
	pid_t pid = fork();
	if (pid == 0) {
		alarm(10);
		_exit(sem_trywait(the_sem) == 0 ? 0 : 1);
	}
	int status = -1;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	CHECK_EQ(status, 0);
	the_counter++;
	errno = before;
}

CASE(robust_fork_in_a_handler)
{
	enum { MANY = 1000 };
	sem_t *sem = the_sem = robust_sem(MANY);
	struct sigaction action = { .sa_handler = fork_in_handler, .sa_flags = SA_RESTART };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	pid_t parent = getpid(), striker = check_fork();
	if (striker == 0)
		for (;;) {
			kill(parent, SIGUSR1);
			nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
		}
	while (the_counter < 50) {
		CHECK_OK(sem_wait(sem));
		CHECK_OK(sem_post(sem));
	}
	CHECK_OK(kill(striker, SIGKILL));
	CHECK_EQ(waitpid(striker, NULL, 0), striker);
	/* Each child had taken one. */
	CHECK_SOON(value_of(sem) == MANY);
	check_stays(sem, MANY);
}

CASE(robust_cancelled_waiter_has_taken_nothing)
{
	sem_t *sem = robust_sem(0);
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_EQ(pthread_cancel(waiter.thread), 0);
	CHECK_EQ(waiter_join(&waiter), PTHREAD_CANCELED);
	CHECK_EQ(waiters_of(sem), 0);
	CHECK_OK(sem_post(sem));
	CHECK_EQ(value_of(sem), 1);
	end_holder(holder_of(sem, take_one), KILLED);
	CHECK_SOON(value_of(sem) == 1);
}

static void cancel_a_waiter_and_take(sem_t *sem)
{
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_EQ(pthread_cancel(waiter.thread), 0);
	CHECK_EQ(waiter_join(&waiter), PTHREAD_CANCELED);
	CHECK_OK(sem_post(sem));
	take_one(sem);
	CHECK_OK(sem_post(sem));
	take_one(sem);
}

CASE(robust_after_a_cancelled_wait)
{
	sem_t *sem = robust_sem(0);
	end_holder(holder_of(sem, cancel_a_waiter_and_take), KILLED);
	check_stays(sem, 0);
	CHECK_EQ(rsipc_sem_wasdead(sem), 0);
}

static void *wait_although_cancelled(void *sem)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	sem_wait(sem);
	return NULL;
}

CASE(robust_wait_is_a_cancellation_point)
{
	sem_t *sem = robust_sem(1);
	pthread_t thread;
	void *end;
	CHECK_EQ(pthread_create(&thread, NULL, wait_although_cancelled, sem), 0);
	CHECK_EQ(pthread_join(thread, &end), 0);
	CHECK_EQ(end, PTHREAD_CANCELED);
	CHECK_EQ(value_of(sem), 1);
}

CASE(robust_timed_wait_times_out)
{
	sem_t *sem = robust_sem(0);
	struct timespec soon = from_now(CLOCK_REALTIME, 20);
	CHECK_FAILS(sem_timedwait(sem, &soon), ETIMEDOUT);
	CHECK_EQ(waiters_of(sem), 0);
}

static void nothing(int signal)
{
	(void)signal;
}

CASE(robust_wait_is_interrupted)
{
	sem_t *sem = robust_sem(0);
	struct sigaction action = { .sa_handler = nothing };
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	struct waiter waiter;
	waiter_start(&waiter, sem, by_wait);
	CHECK_EQ(pthread_kill(waiter.thread, SIGUSR1), 0);
	CHECK_EQ(waiter_join(&waiter), NULL);
	CHECK_EQ(waiter.result, -1);
	CHECK_EQ(waiter.error, EINTR);
	CHECK_EQ(waiters_of(sem), 0);
}

CASE(robust_although_the_program_closes_all_descriptors)
{
	sem_t *sem = robust_sem(1);
	pid_t pid = check_fork();
	if (pid == 0) {
		take_one(sem);
		for (int fd = 3; fd < 2000; fd++)
			close(fd);
		closefrom(3);
		sleep(1);
		CHECK_EQ(value_of(sem), 0);
		CHECK_OK(sem_post(sem));
		take_one(sem);
		_exit(0);
	}
	check_child(pid);
	CHECK_SOON(value_of(sem) == 1);
	check_stays(sem, 1);
}

static void take_and_lose_all_descriptors(sem_t *sem)
{
	take_one(sem);
	CHECK_OK(syscall(SYS_close_range, 3, ~0U, 0));
}

/* By the bare system call: the lock is lost, and the process lives. */
CASE(robust_although_the_descriptor_is_lost)
{
	sem_t *sem = robust_sem(2);
	struct holder *holder = holder_of(sem, take_and_lose_all_descriptors);
	/* Now all look at each other. */
	end_holder(holder_of(sem, take_one), KILLED);
	CHECK_SOON(value_of(sem) == 1);
	check_stays(sem, 1);
	end_holder(holder, KILLED);
	CHECK_SOON(value_of(sem) == 2);
}
