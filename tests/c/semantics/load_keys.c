/* Thread-specific data belong to the program: the library takes none of its keys, and threads
 * may use queues in the destructors. */
#include "../support/queue.h"

#include <limits.h>
#include <pthread.h>
#include <sys/resource.h>

static mqd_t queue;

static void use_queue(void)
{
	char body[8];
	CHECK_OK(mq_send(queue, "x", 1, 0));
	CHECK_EQ(mq_receive(queue, body, sizeof body, NULL), 1);
}

static void open_queue(void)
{
	struct mq_attr attributes = { .mq_maxmsg = 8, .mq_msgsize = 8 };
	queue = mq_open(check_name("q"), O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	CHECK(queue != (mqd_t)-1);
}

static void *user(void *unused)
{
	use_queue();
	return unused;
}

static void run_users(int count)
{
	for (int i = 0; i < count; i++) {
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, NULL, user, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
}

CASE(load_all_keys_are_the_programs)
{
	open_queue();
	use_queue();
	run_users(1);
	pthread_key_t key;
	/* Before glibc 2.34 dlsym has one, and we call it. */
	int keys = PTHREAD_KEYS_MAX - (__GLIBC_PREREQ(2, 34) ? 0 : 1);
	for (int i = 0; i < keys; i++)
		CHECK_EQ(pthread_key_create(&key, NULL), 0);
	run_users(1);
}

static pthread_key_t used_at_the_end;
static int destructions;
static char rounds[3];

/* Asks for another round of destructors, until it has had three. */
static void use_at_the_end(void *round)
{
	use_queue();
	destructions++;
	if (round != &rounds[2])
		CHECK_EQ(pthread_setspecific(used_at_the_end, (char *)round + 1), 0);
}

static void *ending(void *unused)
{
	CHECK_EQ(pthread_setspecific(used_at_the_end, &rounds[0]), 0);
	return unused;
}

CASE(load_destructors_of_keys_may_use_queues)
{
	open_queue();
	CHECK_EQ(pthread_key_create(&used_at_the_end, use_at_the_end), 0);
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, ending, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(destructions, 3);
}

/* Pages of memory that are in use. */
static long memory(void)
{
	long mapped = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	CHECK(file && fscanf(file, "%ld", &mapped) == 1);
	fclose(file);
	return mapped;
}

CASE(load_threads_that_have_ended_take_no_memory)
{
	open_queue();
	run_users(600);
	long before = memory();
	run_users(2000);
	CHECK_EQ(memory(), before);
}

/* Each keeps what it has until all have started: more threads than fit in a part of our table. */
static pthread_barrier_t all_started;

static void *user_among_many(void *unused)
{
	use_queue();
	pthread_barrier_wait(&all_started);
	use_queue();
	return unused;
}

CASE(load_many_threads_at_a_time)
{
	enum { THREADS = 300 };
	open_queue();
	pthread_t threads[THREADS];
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 1 << 17);
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(pthread_barrier_init(&all_started, NULL, THREADS), 0);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], &small, user_among_many, NULL), 0);
		for (int i = 0; i < THREADS; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
	}
}

/* The address of a thread's variables comes again with its stack. */
CASE(load_a_thread_on_an_earlier_ones_stack)
{
	open_queue();
	pthread_attr_t attributes;
	static _Alignas(4096) char stack[1 << 18];
	pthread_attr_init(&attributes);
	CHECK_EQ(pthread_attr_setstack(&attributes, stack, sizeof stack), 0);
	for (int i = 0; i < 1000; i++) {
		pthread_t thread;
		CHECK_EQ(pthread_create(&thread, &attributes, user, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
}
