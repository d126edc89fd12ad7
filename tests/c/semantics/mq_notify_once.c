/* One registration at a time, from the first on: whichever processes ask at the same time, however
 * it ends. */
#include "../support/notify.h"
#include "../support/vfork.h"

struct asked {
	pthread_t thread;
	pthread_barrier_t *barrier;
	mqd_t queue;
	int result, error;
};

static void *ask_at_once(void *arg)
{
	struct asked *self = arg;
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	pthread_barrier_wait(self->barrier);
	self->result = mq_notify(self->queue, &event);
	self->error = errno;
	return NULL;
}

CASE(mq_notify_of_two_threads_at_once_gives_one_registration)
{
	enum { THREADS = 3, ROUNDS = 200 };
	for (int round = 0; round < ROUNDS; round++) {
		mqd_t one = queue_create(0, O_RDWR, 2, 8);
		CHECK_OK(mq_unlink(queue_name(0)));
		pthread_barrier_t barrier;
		struct asked asked[THREADS];
		int registered = 0;
		CHECK_EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
		for (int i = 0; i < THREADS; i++) {
			asked[i] = (struct asked){ .barrier = &barrier, .queue = one };
			CHECK_EQ(pthread_create(&asked[i].thread, NULL, ask_at_once, &asked[i]), 0);
		}
		for (int i = 0; i < THREADS; i++) {
			CHECK_EQ(pthread_join(asked[i].thread, NULL), 0);
			registered += asked[i].result == 0;
			CHECK(asked[i].result == 0 || asked[i].error == EBUSY);
		}
		CHECK_EQ(registered, 1);
		CHECK_OK(mq_notify(one, NULL));
		struct sigevent event = { .sigev_notify = SIGEV_NONE };
		CHECK_OK(mq_notify(one, &event));
		CHECK_OK(mq_close(one));
	}
}

CASE(mq_notify_of_two_processes_at_once_gives_one_registration)
{
	enum { ROUNDS = 100, PROCESSES = 3 };
	atomic_int *words = shared_memory(4 * sizeof *words);
	for (int round = 0; round < ROUNDS; round++) {
		mqd_t one = queue_create(0, O_RDWR, 2, 8);
		CHECK_OK(mq_unlink(queue_name(0)));
		memset(words, 0, 4 * sizeof *words);
		pid_t children[PROCESSES];
		for (int i = 0; i < PROCESSES; i++) {
			children[i] = check_fork();
			if (children[i] > 0)
				continue;
			atomic_fetch_add(&words[0], 1);
			while (atomic_load(&words[0]) < PROCESSES)
				sched_yield();
			if (ask_for_note(one, 0) == 0)
				atomic_fetch_add(&words[1], 1);
			else
				CHECK_EQ(errno, EBUSY);
			atomic_fetch_add(&words[2], 1);
			while (atomic_load(&words[2]) < PROCESSES)
				pause_ms(1);
			_exit(0);
		}
		for (int i = 0; i < PROCESSES; i++)
			check_child(children[i]);
		CHECK_EQ(words[1], 1);
		CHECK_OK(ask_for_note(one, 0));
		CHECK_OK(mq_close(one));
	}
}

/* The registered process does this; then others may register. */
static void frees(void (*end)(void))
{
	notes_are_waited_for();
	queue = queue_small(0);
	copy = dup(queue);
	atomic_int *stage = shared_memory(sizeof *stage);
	pid_t registered = check_fork();
	if (registered == 0) {
		second = queue_again(0, O_RDONLY);
		CHECK_OK(ask_for_note(queue, 1));
		atomic_store(stage, 1);
		CHECK_SOON(atomic_load(stage) == 2);
		end();
		atomic_store(stage, 3);
		CHECK_SOON(atomic_load(stage) == 4);
		expect_no_note();
		_exit(0);
	}
	CHECK_SOON(atomic_load(stage) == 1);
	CHECK_FAILS(ask_for_note(queue, 2), EBUSY);
	atomic_store(stage, 2);
	CHECK_SOON(atomic_load(stage) == 3 || waitpid(registered, NULL, WNOHANG) == registered);
	CHECK_OK(ask_for_note(queue, 3));
	queue_put(queue, "news", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 3);
	atomic_store(stage, 4);
}

static void by_dup2(void)
{
	CHECK_EQ(dup2(2, copy), copy);
}

static void by_dup3(void)
{
	CHECK_EQ(dup3(2, second, O_CLOEXEC), second);
}

static void by_close_range(void)
{
	unsigned last = (unsigned)second;
	CHECK_OK(close_range(last, last, 0));
}

static void by_closefrom(void)
{
	closefrom(copy);
}

static void by_exec(void)
{
	execl("/bin/true", "true", NULL);
}

static void by_fexecve(void)
{
	char *const words[] = { "true", NULL };
	fexecve(open("/bin/true", O_RDONLY | O_CLOEXEC), words, environ);
}

static void by_raw_exit(void)
{
	syscall(SYS_exit_group, 0);
}

static void by_abort(void)
{
	abort();
}

CASE(mq_notify_ends_when_a_descriptor_of_the_process_is_closed)
{
	void (*const ways[])(void) = { by_dup2, by_dup3, by_close_range, by_closefrom };
	for (int i = 0; i < 4; i++) {
		frees(ways[i]);
		CHECK_OK(mq_unlink(queue_name(0)));
	}
}

CASE(mq_notify_ends_with_its_process_however_that_ends)
{
	void (*const ways[])(void) = { by_exec, by_fexecve, by_raw_exit, by_abort };
	for (int i = 0; i < 4; i++) {
		frees(ways[i]);
		CHECK_OK(mq_unlink(queue_name(0)));
	}
}

static void by_close_of_a_copy(void)
{
	CHECK_OK(close(fcntl(queue, F_DUPFD_CLOEXEC, 0)));
}

CASE(mq_notify_ends_when_a_copy_made_by_fcntl_is_closed)
{
	frees(by_close_of_a_copy);
}

static void close_all(void)
{
	CHECK_OK(close_range(3, ~0u, 0));
}

CASE(mq_notify_does_not_end_with_a_vfork_child)
{
	open_all();
	CHECK_OK(ask_for_note(queue, 1));
	for (int i = 0; i < 5; i++)
		in_vfork_child(close_all);
	in_another_process(finds_it_taken);
	queue_put(second, "news", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 1);
}

static void ask(void)
{
	CHECK_OK(ask_for_note(queue, 2));
}

/* A child that shares the memory is a process of its own: its registration ends with it. */
CASE(mq_notify_of_a_vfork_child_ends_with_it)
{
	open_all();
	in_vfork_child(ask);
	CHECK_OK(ask_for_note(queue, 1));
	queue_put(second, "news", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 1);
}
