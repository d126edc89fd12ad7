/* The attributes of SIGEV_THREAD are copied when mq_notify is called, with all they point to. */
#include "../support/queue.h"

#include <semaphore.h>

static sem_t ran;
static cpu_set_t affinity;
static size_t stack_size;
static int detached, value_seen;
static sigset_t mask;

static void look(union sigval value)
{
	pthread_attr_t attr;
	CHECK_EQ(pthread_getaffinity_np(pthread_self(), sizeof affinity, &affinity), 0);
	CHECK_EQ(pthread_getattr_np(pthread_self(), &attr), 0);
	CHECK_EQ(pthread_attr_getstacksize(&attr, &stack_size), 0);
	CHECK_EQ(pthread_attr_getdetachstate(&attr, &detached), 0);
	CHECK_EQ(pthread_attr_destroy(&attr), 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
	value_seen = value.sival_int;
	sem_post(&ran);
}

static void ask(mqd_t queue, pthread_attr_t *attr)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD,
		.sigev_value.sival_int = 11,
		.sigev_notify_function = look,
		.sigev_notify_attributes = attr,
	};
	CHECK_OK(mq_notify(queue, &event));
}

static void thread_runs(mqd_t queue)
{
	queue_put(queue, "news", 0);
	CHECK_OK(sem_wait(&ran));
	CHECK_EQ(value_seen, 11);
	queue_expect(queue, "news", 0);
}

/* Whatever is freed is overwritten: so is what others allocate next. */
static void spoil(pthread_attr_t *attr)
{
	CHECK_EQ(pthread_attr_destroy(attr), 0);
	memset(attr, 0xff, sizeof *attr);
	for (size_t size = 16; size < 20000; size += 16) {
		char *memory = malloc(size);
		CHECK(memory);
		memset(memory, 0, size);
	}
}

CASE(mq_notify_thread_has_the_affinity_of_attributes_destroyed_since)
{
	/* Large enough to be an allocation of its own. */
	size_t size = 16384;
	mqd_t queue = queue_small(0);
	pthread_attr_t attr;
	cpu_set_t allowed, *wanted = calloc(1, size);
	CHECK(wanted);
	CHECK_OK(sched_getaffinity(0, sizeof allowed, &allowed));
	int cpu = 0;
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_SET_S((size_t)cpu, size, wanted);
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setaffinity_np(&attr, size, wanted), 0);
	ask(queue, &attr);
	free(wanted);
	spoil(&attr);
	thread_runs(queue);
	CHECK_EQ(CPU_COUNT(&affinity), 1);
	CHECK(CPU_ISSET(cpu, &affinity));
}

CASE(mq_notify_thread_has_the_stack_size_of_attributes_destroyed_since)
{
	mqd_t queue = queue_small(0);
	pthread_attr_t attr;
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 3 << 20), 0);
	ask(queue, &attr);
	spoil(&attr);
	thread_runs(queue);
	CHECK_EQ(stack_size, 3 << 20);
	CHECK_EQ(detached, PTHREAD_CREATE_DETACHED);
}

CASE(mq_notify_thread_runs_again_with_other_attributes)
{
	mqd_t queue = queue_small(0);
	for (size_t megabytes = 1; megabytes < 6; megabytes++) {
		pthread_attr_t attr;
		CHECK_EQ(pthread_attr_init(&attr), 0);
		CHECK_EQ(pthread_attr_setstacksize(&attr, megabytes << 20), 0);
		ask(queue, &attr);
		spoil(&attr);
		thread_runs(queue);
		CHECK_EQ(stack_size, megabytes << 20);
	}
}

/* Withdrawn and asked for again: what was copied is not what is used. */
CASE(mq_notify_thread_has_the_attributes_of_the_last_registration)
{
	mqd_t queue = queue_small(0);
	pthread_attr_t attr;
	CHECK_EQ(pthread_attr_init(&attr), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attr, 1 << 20), 0);
	for (int i = 0; i < 50; i++) {
		ask(queue, &attr);
		CHECK_OK(mq_notify(queue, NULL));
	}
	CHECK_EQ(pthread_attr_setstacksize(&attr, 2 << 20), 0);
	ask(queue, &attr);
	spoil(&attr);
	thread_runs(queue);
	CHECK_EQ(stack_size, 2 << 20);
}
