/* mq_notify: several processes that register at once, or are killed while they do. */
#include "../support/notify.h"

#include <sys/time.h>

static int register_silently(mqd_t queue)
{
	struct sigevent silent = { .sigev_notify = SIGEV_NONE };
	return mq_notify(queue, &silent);
}

static struct {
	pthread_barrier_t barrier;
	mqd_t queue;
	int result[2];
} race;

static void *register_in_thread(void *which)
{
	pthread_barrier_wait(&race.barrier);
	int *result = which;
	*result = register_silently(race.queue) == 0 ? 0 : errno;
	return NULL;
}

CASE(mq_notify_by_two_threads_at_once_is_ebusy_for_one)
{
	queue_name(0);
	CHECK_EQ(pthread_barrier_init(&race.barrier, NULL, 2), 0);
	for (int round = 0; round < 200; round++) {
		pthread_t threads[2];
		race.queue = queue_small(0);
		CHECK_OK(mq_unlink(queue_name(0)));
		for (int i = 0; i < 2; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, register_in_thread,
						&race.result[i]),
				 0);
		for (int i = 0; i < 2; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
		CHECK_EQ(race.result[0] + race.result[1], EBUSY);
		/* It is ours, whichever thread it was. */
		CHECK_OK(mq_notify(race.queue, NULL));
		CHECK_OK(register_silently(race.queue));
		CHECK_OK(mq_close(race.queue));
	}
}

CASE(mq_notify_by_two_processes_at_once_is_ebusy_for_one)
{
	enum { ROUNDS = 500 };
	mqd_t queue = queue_small(0);
	atomic_int *turn = shared_memory(4 * sizeof *turn);
	atomic_int *result = turn + 2;
	pid_t children[2];
	for (int i = 0; i < 2; i++) {
		children[i] = check_fork();
		if (children[i] != 0)
			continue;
		for (int round = 1; round <= ROUNDS; round++) {
			while (atomic_load(&turn[0]) != round)
				;
			atomic_store(&result[i], register_silently(queue) == 0 ? 0 : errno);
			atomic_fetch_add(&turn[1], 1);
			while (atomic_load(&turn[0]) == round)
				sched_yield();
			CHECK_OK(mq_notify(queue, NULL));
			atomic_fetch_add(&turn[1], 1);
		}
		_exit(0);
	}
	for (int round = 1; round <= ROUNDS; round++) {
		atomic_store(&turn[1], 0);
		atomic_store(&turn[0], round);
		while (atomic_load(&turn[1]) < 2)
			sched_yield();
		CHECK_EQ(atomic_load(&result[0]) + atomic_load(&result[1]), EBUSY);
		/* Both take it back; it is one's own. */
		atomic_store(&turn[0], -round);
		while (atomic_load(&turn[1]) < 4)
			sched_yield();
	}
	atomic_store(&turn[0], 0);
	check_child(children[0]);
	check_child(children[1]);
}

CASE(mq_notify_by_a_process_that_is_killed_meanwhile_leaves_the_place_free)
{
	mqd_t queue = queue_small(0);
	atomic_int *started = shared_memory(sizeof *started);
	for (int round = 0; round < 200; round++) {
		atomic_store(started, 0);
		pid_t child = check_fork();
		if (child == 0) {
			for (;;) {
				register_silently(queue);
				atomic_store(started, 1);
				mq_notify(queue, NULL);
			}
		}
		while (!atomic_load(started))
			sched_yield();
		for (volatile int i = 0; i < round * 20; i++)
			;
		queue_kill_child(child);
		CHECK_OK(register_silently(queue));
		CHECK_OK(mq_notify(queue, NULL));
	}
}

static mqd_t handled_queue;
static volatile sig_atomic_t handled;

static void register_in_handler(int signal)
{
	(void)signal;
	if (register_silently(handled_queue) == 0)
		mq_notify(handled_queue, NULL);
	handled++;
}

CASE(mq_notify_in_a_handler_that_interrupts_mq_notify)
{
	handled_queue = queue_small(0);
	CHECK_OK(sigaction(SIGALRM, &(struct sigaction){ .sa_handler = register_in_handler },
			   NULL));
	struct itimerval often = { { 0, 100 }, { 0, 100 } };
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	while (handled < 500)
		if (register_silently(handled_queue) == 0)
			CHECK_OK(mq_notify(handled_queue, NULL));
	CHECK_OK(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL));
	CHECK_OK(register_silently(handled_queue));
}

CASE(mq_notify_by_processes_that_were_notified_leaves_the_place_free)
{
	/* They live on, with the queue open, and do not register again. */
	enum { PROCESSES = 20 };
	mqd_t queue = queue_for_notes(0);
	pid_t children[PROCESSES];
	int ready[2];
	char byte;
	CHECK_OK(pipe(ready));
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = check_fork();
		if (children[i] == 0) {
			CHECK_OK(ask_for_note(queue, i));
			CHECK_EQ(write(ready[1], "r", 1), 1);
			CHECK_EQ(expect_note().si_value.sival_int, i);
			CHECK_EQ(write(ready[1], "n", 1), 1);
			for (;;)
				pause();
		}
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		queue_put(queue, "note", 0);
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		CHECK_EQ(byte, 'n');
		queue_take(queue);
	}
	CHECK_OK(ask_for_note(queue, 1));
	for (int i = 0; i < PROCESSES; i++)
		queue_kill_child(children[i]);
	queue_put(queue, "note", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 1);
}
