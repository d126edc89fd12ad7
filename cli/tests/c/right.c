/* Programs that are right, and look at first like the mistakes of the course: locks that somebody
 * else gives back, orders that a gate guards, semaphores that are drained on purpose. */
#include "right.h"

#include <signal.h>
#include <sys/time.h>

/* The last reader gives back the room that the first one has taken. */
struct library {
	sem_t room, counting, second_is_in, first_is_out;
	int readers;
};

static void enter_reading(struct library *library)
{
	take(&library->counting);
	if (++library->readers == 1)
		take(&library->room);
	give(&library->counting);
}

static void leave_reading(struct library *library)
{
	take(&library->counting);
	if (--library->readers == 0)
		give(&library->room);
	give(&library->counting);
}

static void write_often(void *argument)
{
	struct library *library = argument;
	for (int round = 0; round < 4; round++) {
		take(&library->room);
		give(&library->room);
	}
}

static void read_first(void *argument)
{
	struct library *library = argument;
	enter_reading(library);
	take(&library->second_is_in);
	leave_reading(library);
	give(&library->first_is_out);
}

static void read_second(void *argument)
{
	struct library *library = argument;
	while (__atomic_load_n(&library->readers, __ATOMIC_SEQ_CST) == 0)
		usleep(1000);
	enter_reading(library);
	give(&library->second_is_in);
	take(&library->first_is_out);
	leave_reading(library);
}

static void readers_writers(enum actors actors)
{
	struct library *library = shared_memory();
	make(&library->room, 1);
	make(&library->counting, 1);
	make(&library->second_is_in, 0);
	make(&library->first_is_out, 0);
	write_often(library);
	act(actors, (work[]){ write_often, NULL }, library);
	for (int round = 0; round < 3; round++) {
		act(actors, (work[]){ read_first, read_second, NULL }, library);
		act(actors, (work[]){ write_often, NULL }, library);
	}
	check(sem_destroy(&library->room), "sem_destroy");
}

static void readers_and_threads(void)
{
	readers_writers(THREADS);
}

static void readers_and_processes(void)
{
	readers_writers(PROCESSES);
}

/* Longer than the patience of the test. */
enum { LONG = 1600000 };

/* A process takes the lock, leaves it to a child and ends; the child gives it back. */
struct heritage {
	sem_t lock, asked;
};

static void leave_lock_to_child(void *argument)
{
	struct heritage *heritage = argument;
	for (int round = 0; round < 3; round++) {
		take(&heritage->lock);
		give(&heritage->lock);
	}
	take(&heritage->lock);
	if (fork_child() == 0) {
		usleep(LONG);
		give(&heritage->lock);
		exit(EXIT_SUCCESS);
	}
}

static void inherited_lock(void)
{
	struct heritage *heritage = shared_memory();
	make(&heritage->lock, 1);
	/* It has ended when this returns. */
	act(PROCESSES, (work[]){ leave_lock_to_child, NULL }, heritage);
	take(&heritage->lock);
	give(&heritage->lock);
}

/* A thread takes the lock for a job that another one finishes. */
static void begin_job(void *argument)
{
	struct heritage *heritage = argument;
	for (int round = 0; round < 6; round++) {
		take(&heritage->lock);
		if (round % 3 == 2)
			give(&heritage->asked);
		else
			give(&heritage->lock);
	}
}

static void finish_job(void *argument)
{
	struct heritage *heritage = argument;
	for (int round = 0; round < 2; round++) {
		take(&heritage->asked);
		give(&heritage->lock);
	}
}

static void handed_on(void)
{
	struct heritage *heritage = shared_memory();
	make(&heritage->lock, 1);
	make(&heritage->asked, 0);
	act(THREADS, (work[]){ begin_job, finish_job, NULL }, heritage);
	check(sem_destroy(&heritage->lock), "sem_destroy");
}

static sem_t handled;

static void give_back(int signal)
{
	(void)signal;
	sem_post(&handled);
}

static void handle(int signal, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	check(sigaction(signal, &action, NULL), "sigaction");
}

/* The lock is free again when the time is over. */
static void handler_posts(void)
{
	struct itimerval time = {
		.it_value = { .tv_sec = LONG / 1000000, .tv_usec = LONG % 1000000 },
	};
	check(sem_init(&handled, 0, 1), "sem_init");
	handle(SIGALRM, give_back);
	for (int round = 0; round < 3; round++) {
		take(&handled);
		give(&handled);
	}
	take(&handled);
	check(setitimer(ITIMER_REAL, &time, NULL), "setitimer");
	take(&handled);
	give(&handled);
	check(sem_destroy(&handled), "sem_destroy");
}

/* Events that a handler tells of, the first of which has happened already. */
static void handler_counts(void)
{
	check(sem_init(&handled, 0, 1), "sem_init");
	handle(SIGUSR1, give_back);
	for (int round = 0; round < 3; round++) {
		take(&handled);
		check(raise(SIGUSR1), "raise");
	}
	check(raise(SIGUSR1), "raise");
	check(sem_destroy(&handled), "sem_destroy");
}

static void take_and_give(int signal)
{
	(void)signal;
	take(&handled);
	give(&handled);
}

static void try_to_take(int signal)
{
	(void)signal;
	if (sem_trywait(&handled) == 0)
		sem_post(&handled);
}

/* While the lock is held, the signal whose handler takes it is blocked; one whose handler only
 * tries is not. */
static void handler_kept_out(void)
{
	sigset_t set;
	check(sem_init(&handled, 0, 1), "sem_init");
	handle(SIGUSR1, take_and_give);
	handle(SIGUSR2, try_to_take);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (int round = 0; round < 3; round++) {
		check(sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
		take(&handled);
		check(raise(SIGUSR1), "raise");
		check(raise(SIGUSR2), "raise");
		give(&handled);
		check(sigprocmask(SIG_UNBLOCK, &set, NULL), "sigprocmask");
	}
	check(sem_destroy(&handled), "sem_destroy");
}

/* Nobody is let in any more: the process that closes takes all there is and ends, and the others
 * find nothing. */
struct shop {
	sem_t places, is_closed;
};

static void come_until_closed(void *argument)
{
	struct shop *shop = argument;
	take(&shop->places);
	give(&shop->places);
	take(&shop->is_closed);
	if (sem_trywait(&shop->places) == 0 || errno != EAGAIN)
		die("it is not closed");
}

static void close_shop(void *argument)
{
	struct shop *shop = argument;
	for (int round = 0; round < 3; round++) {
		take(&shop->places);
		give(&shop->places);
	}
	while (sem_trywait(&shop->places) == 0)
		;
}

static void drained_of(unsigned places)
{
	struct shop *shop = shared_memory();
	make(&shop->places, places);
	make(&shop->is_closed, 0);
	pid_t guest = fork_child();
	if (guest == 0) {
		come_until_closed(shop);
		exit(EXIT_SUCCESS);
	}
	wait_until_asleep(guest);
	act(PROCESSES, (work[]){ close_shop, NULL }, shop);
	give(&shop->is_closed);
	expect_success(guest);
	check(sem_destroy(&shop->places), "sem_destroy");
}

static void drained(void)
{
	drained_of(1);
	drained_of(3);
}

static const struct exercise EXERCISES[] = {
	{ "readers_and_threads", readers_and_threads },
	{ "readers_and_processes", readers_and_processes },
	{ "inherited_lock", inherited_lock },
	{ "handed_on", handed_on },
	{ "handler_posts", handler_posts },
	{ "handler_counts", handler_counts },
	{ "handler_kept_out", handler_kept_out },
	{ "drained", drained },
	{ NULL, NULL },
};

int main(int count, char **arguments)
{
	return run_exercise(EXERCISES, count, arguments);
}
