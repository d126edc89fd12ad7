/* mq_notify with SIGEV_THREAD: the attributes are those that were given, whatever the program does
 * with them later. */
#include "../support/notify.h"

/* glibc 2.32 */
extern int pthread_attr_setsigmask_np(pthread_attr_t *attr, const sigset_t *mask)
	__attribute__((weak));

static struct {
	atomic_int calls;
	cpu_set_t processors;
	sigset_t mask;
	char *stack;
} seen;

static void look_around(union sigval value)
{
	char here;
	(void)value;
	seen.stack = &here;
	CHECK_EQ(pthread_getaffinity_np(pthread_self(), sizeof seen.processors, &seen.processors),
		 0);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &seen.mask), 0);
	atomic_fetch_add(&seen.calls, 1);
}

/* Asks with these attributes, and makes them useless before the note comes. */
static void run_with(pthread_attr_t *attr)
{
	mqd_t queue = queue_small(0);
	struct sigevent event = { .sigev_notify = SIGEV_THREAD };
	event.sigev_notify_function = look_around;
	event.sigev_notify_attributes = attr;
	CHECK_OK(mq_notify(queue, &event));
	CHECK_EQ(pthread_attr_destroy(attr), 0);
	memset(attr, 0xff, sizeof *attr);
	queue_put(queue, "note", 0);
	CHECK_SOON(atomic_load(&seen.calls) == 1);
}

static int one_processor(cpu_set_t *set)
{
	cpu_set_t all;
	int last = 0;
	CHECK_OK(sched_getaffinity(0, sizeof all, &all));
	for (int processor = 0; processor < CPU_SETSIZE; processor++)
		if (CPU_ISSET(processor, &all))
			last = processor;
	CPU_ZERO(set);
	CPU_SET(last, set);
	return last;
}

CASE(mq_notify_thread_runs_on_the_processors_of_its_attributes)
{
	pthread_attr_t attr;
	cpu_set_t one;
	int processor = one_processor(&one);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setaffinity_np(&attr, sizeof one, &one), 0);
	run_with(&attr);
	CHECK_EQ(CPU_COUNT(&seen.processors), 1);
	CHECK(CPU_ISSET(processor, &seen.processors));
}

CASE(mq_notify_thread_without_processors_in_its_attributes_has_those_of_the_process)
{
	pthread_attr_t attr;
	cpu_set_t one;
	one_processor(&one);
	CHECK_OK(sched_setaffinity(0, sizeof one, &one));
	CHECK_EQ(pthread_attr_init(&attr), 0);
	run_with(&attr);
	CHECK(CPU_EQUAL(&seen.processors, &one));
}

CASE(mq_notify_thread_runs_on_the_stack_of_its_attributes)
{
	enum { SIZE = 1 << 20 };
	pthread_attr_t attr;
	char *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstack(&attr, stack, SIZE), 0);
	run_with(&attr);
	CHECK(seen.stack > stack && seen.stack < stack + SIZE);
}

CASE_BETTER(mq_notify_thread_with_a_signal_mask_in_its_attributes,
	    "glibc unblocks all signals in the thread, whatever its attributes say")
{
	pthread_attr_t attr;
	sigset_t mask;
	if (!pthread_attr_setsigmask_np)
		CHECK_SKIP("no such attribute before glibc 2.32");
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setsigmask_np(&attr, &mask), 0);
	run_with(&attr);
	CHECK_EQ(sigismember(&seen.mask, SIGUSR1), 1);
	CHECK_EQ(sigismember(&seen.mask, SIGUSR2), 0);
}
