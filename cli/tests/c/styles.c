/* Mistakes of the course in other styles: with threads, at the first round, with other ways out. */
#include "styles.h"

#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

static sem_t first, second;

static struct timespec in_milliseconds(long number)
{
	struct timespec end;
	check(clock_gettime(CLOCK_REALTIME, &end), "clock_gettime");
	end.tv_nsec += number * 1000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	return end;
}

static pthread_barrier_t both;

static void *take_both(void *argument)
{
	int is_second = argument != NULL && !is_right;
	sem_t *one = is_second ? &second : &first, *other = is_second ? &first : &second;
	check(sem_wait(one), "sem_wait");
	if (!is_right)
		pthread_barrier_wait(&both);
	check(sem_wait(other), "sem_wait");
	check(sem_post(other), "sem_post");
	check(sem_post(one), "sem_post");
	return NULL;
}

static void interrupt(int signal)
{
	(void)signal;
}

/* Each process has taken one lock, and neither was ever given back. That Ctrl-C has a handler, as
 * in every program in Python, helps nobody. */
static void processes_deadlock(void)
{
	struct {
		sem_t locks[2];
		int ready;
	} *shared = shared_memory();
	pid_t children[2];
	struct sigaction action = { .sa_handler = interrupt };
	check(sigaction(SIGINT, &action, NULL), "sigaction");
	for (int i = 0; i < 2; i++)
		check(sem_init(&shared->locks[i], 1, 1), "sem_init");
	for (int i = 0; i < 2; i++) {
		if ((children[i] = fork_child()) == 0) {
			int own = is_right ? 0 : i;
			/* Whichever of the two is reported. */
			blame_address(&shared->locks[!own], getpid());
			check(sem_wait(&shared->locks[own]), "sem_wait");
			__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
			while (!is_right && __atomic_load_n(&shared->ready, __ATOMIC_SEQ_CST) < 2)
				usleep(1000);
			check(sem_wait(&shared->locks[!own]), "sem_wait");
			check(sem_post(&shared->locks[!own]), "sem_post");
			check(sem_post(&shared->locks[own]), "sem_post");
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < 2; i++)
		expect_success(children[i]);
}

/* The same with threads. */
static void threads_deadlock(void)
{
	pthread_t threads[2];
	check(sem_init(&first, 0, 1), "sem_init");
	check(sem_init(&second, 0, 1), "sem_init");
	check_thread(pthread_barrier_init(&both, NULL, 2), "pthread_barrier_init");
	/* Whichever of the two is reported. */
	blame_address(&first, getpid());
	blame_address(&second, getpid());
	for (int i = 0; i < 2; i++)
		check_thread(pthread_create(&threads[i], NULL, take_both, i == 0 ? NULL : &first),
			     "pthread_create");
	for (int i = 0; i < 2; i++)
		check_thread(pthread_join(threads[i], NULL), "pthread_join");
}

/* Philosophers that eat one after the other. */
static void philosophers(void)
{
	enum { ALL = 4 };
	sem_t *forks = shared_memory();
	for (int i = 0; i < ALL; i++)
		check(sem_init(&forks[i], 1, 1), "sem_init");
	for (int i = 0; i < ALL; i++) {
		pid_t child = fork_child();
		if (child == 0) {
			int left = i, right = (i + 1) % ALL;
			if (i == ALL - 1) {
				blame_address(&forks[right], getpid());
				if (is_right) {
					left = right;
					right = i;
				}
			}
			for (int meal = 0; meal < 3; meal++) {
				check(sem_wait(&forks[left]), "sem_wait");
				check(sem_wait(&forks[right]), "sem_wait");
				check(sem_post(&forks[right]), "sem_post");
				check(sem_post(&forks[left]), "sem_post");
			}
			exit(EXIT_SUCCESS);
		}
		expect_success(child);
	}
}

/* Posts, after a question of its own. */
static void post_checked(sem_t *semaphore)
{
	int value;
	check(sem_getvalue(semaphore, &value), "sem_getvalue");
	check(value < SEM_VALUE_MAX ? sem_post(semaphore) : -1, "sem_post");
}

/* Between the question and the post there is a log with a lock of its own, and another question. */
static void logs_between(void)
{
	sem_t *first = shared_memory(), *log = first + 1;
	check(sem_init(first, 1, 0), "sem_init");
	check(sem_init(log, 1, 1), "sem_init");
	blame_address(first, getpid());
	for (int i = 0; i < 12; i++) {
		int value = 0;
		if (!is_right)
			check(sem_getvalue(first, &value), "sem_getvalue");
		check(sem_wait(log), "sem_wait");
		check(sem_post(log), "sem_post");
		if (value == 0)
			post_checked(first);
		if (i % 3 == 2) {
			pid_t child = fork_child();
			if (child == 0)
				exit(sem_wait(first) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
			expect_success(child);
		}
	}
}

static mqd_t own_queue(struct name *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = sizeof(int) };
	*name = own_name("styles");
	return (mqd_t)check(mq_open(name->text, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes),
			    "mq_open");
}

static void late_send(void)
{
	struct name name;
	mqd_t queue = own_queue(&name);
	int number;
	blame(name.text, getpid());
	for (int i = 0; i < 3; i++) {
		struct timespec end = in_milliseconds(10);
		while (mq_timedsend(queue, (const char *)&i, sizeof(i), 0, &end) != 0 && is_right) {
			check(mq_receive(queue, (char *)&number, sizeof(number), NULL), "mq_receive");
			end = in_milliseconds(10000);
		}
	}
	check(mq_receive(queue, (char *)&number, sizeof(number), NULL), "mq_receive");
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
}

/* The child that keeps the queue ends by _exit, or is killed. */
static void keeps_queue(int is_killed)
{
	struct name name;
	mqd_t queue = own_queue(&name);
	int gate[2];
	char byte;
	check(pipe(gate), "pipe");
	pid_t child = fork_child();
	if (child == 0) {
		blame(name.text, getpid());
		if (is_right)
			check(mq_close(queue), "mq_close");
		close(gate[1]);
		check(read(gate[0], &byte, 1), "read");
		_exit(EXIT_SUCCESS);
	}
	wait_until_asleep(child);
	check(mq_close(queue), "mq_close");
	check(mq_unlink(name.text), "mq_unlink");
	if (is_killed)
		check(kill(child, SIGTERM), "kill");
	close(gate[1]);
	wait_child(child);
}

static void kept_until_exit(void)
{
	keeps_queue(0);
}

static void kept_until_killed(void)
{
	keeps_queue(1);
}

/* The first round of all is the one that gives back twice. */
static void twice_at_first(void)
{
	sem_t *lock = shared_memory();
	check(sem_init(lock, 1, 1), "sem_init");
	pid_t child = fork_child();
	if (child == 0) {
		blame_address(lock, getpid());
		for (int round = 0; round < 3; round++) {
			check(sem_wait(lock), "sem_wait");
			check(sem_post(lock), "sem_post");
			if (round == 0 && !is_right)
				check(sem_post(lock), "sem_post");
		}
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
	check(sem_destroy(lock), "sem_destroy");
}

/* Of three places, one is given back twice. */
static void place_twice(void)
{
	sem_t *places = shared_memory();
	check(sem_init(places, 1, 3), "sem_init");
	for (int i = 0; i < 2; i++) {
		pid_t child = fork_child();
		if (child == 0) {
			check(sem_wait(places), "sem_wait");
			check(sem_post(places), "sem_post");
			if (i == 1) {
				blame_address(places, getpid());
				if (!is_right)
					check(sem_post(places), "sem_post");
			}
			exit(EXIT_SUCCESS);
		}
		expect_success(child);
	}
	check(sem_destroy(places), "sem_destroy");
}

/* A worker that takes a task and posts two new ones gives nothing back twice. */
static void tasks(void)
{
	sem_t *waiting = shared_memory();
	check(sem_init(waiting, 1, 1), "sem_init");
	for (int done = 0; done < 7; done++) {
		check(sem_wait(waiting), "sem_wait");
		for (int i = 0; i < 2 && done < 3; i++)
			check(sem_post(waiting), "sem_post");
	}
	check(sem_destroy(waiting), "sem_destroy");
}

static void in_unlinked(void)
{
	struct name name = own_name("styles");
	int memory = (int)check(shm_open(name.text, O_RDWR | O_CREAT | O_EXCL, 0600), "shm_open");
	check(ftruncate(memory, 4096), "ftruncate");
	sem_t *two = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (two == MAP_FAILED)
		die("mmap");
	check(shm_unlink(name.text), "shm_unlink");
	blame(name.text + 1, getpid());
	use_two(two);
}

static void for_threads(void)
{
	sem_t *semaphore = shared_memory();
	check(sem_init(semaphore, is_right, 0), "sem_init");
	pid_t child = fork_child();
	if (child == 0) {
		blame_address(semaphore, getpid());
		check(sem_post(semaphore), "sem_post");
		exit(EXIT_SUCCESS);
	}
	expect_success(child);
}

static const struct exercise EXERCISES[] = {
	{ "threads_deadlock", threads_deadlock },
	{ "processes_deadlock", processes_deadlock },
	{ "philosophers", philosophers },
	{ "logs_between", logs_between },
	{ "late_send", late_send },
	{ "kept_until_exit", kept_until_exit },
	{ "kept_until_killed", kept_until_killed },
	{ "twice_at_first", twice_at_first },
	{ "place_twice", place_twice },
	{ "tasks", tasks },
	{ "in_unlinked", in_unlinked },
	{ "for_threads", for_threads },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
