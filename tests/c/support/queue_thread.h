/* A thread that sleeps in a call on a queue. */
#ifndef SUPPORT_QUEUE_THREAD_H
#define SUPPORT_QUEUE_THREAD_H

#include "queue.h"

static atomic_int queue_thread_tid;
static void *(*queue_thread_call)(void *queue);

static void *queue_thread_body(void *queue)
{
	atomic_store(&queue_thread_tid, gettid());
	return queue_thread_call(queue);
}

/* Makes one, which gets the queue as its argument; returns when it sleeps. */
static pthread_t queue_thread_asleep(mqd_t queue, void *(*call)(void *queue))
{
	pthread_t thread;
	queue_thread_call = call;
	CHECK_EQ(pthread_create(&thread, NULL, queue_thread_body, (void *)(long)queue), 0);
	CHECK_SOON(atomic_load(&queue_thread_tid) != 0);
	queue_await_asleep(atomic_load(&queue_thread_tid));
	return thread;
}

/* A receive that is cancelled in its sleep takes nothing that comes later. */
static void queue_thread_is_cancelled_asleep(mqd_t queue, void *(*call)(void *queue))
{
	pthread_t thread = queue_thread_asleep(queue, call);
	void *end;
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &end), 0);
	CHECK(end == PTHREAD_CANCELED);
	queue_put(queue, "left", 0);
	queue_expect(queue, "left", 0);
}

#endif
