/* SIGEV_THREAD. Threads are made and run in C: they may end themselves, or be cancelled. */
#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC visibility push(hidden)

struct rsipc_notification;

struct rsipc_notification *rsipc_notification_new(void (*function)(union sigval),
						  union sigval value,
						  const pthread_attr_t *attributes);
int rsipc_notification_start(struct rsipc_notification *notification,
			     const struct rsipc_duty *duty);
void rsipc_notification_free(struct rsipc_notification *notification);
int rsipc_duty_wait(const struct rsipc_duty *duty);

#pragma GCC visibility pop

/* glibc 2.32. Without it there are no such attributes. */
extern __typeof__(int(const pthread_attr_t *, sigset_t *)) pthread_attr_getsigmask_np
	__attribute__((weak));
extern __typeof__(int(pthread_attr_t *, const sigset_t *)) pthread_attr_setsigmask_np
	__attribute__((weak));

/* What the thread is to run, and how. */
struct rsipc_notification {
	void (*function)(union sigval);
	union sigval value;
	pthread_attr_t attributes;
	struct rsipc_duty duty;
	int has_signal_mask;
};

/* The stack of the thread that waits. */
enum { WAITER_STACK = 128 * 1024 };

static int copy_stack(pthread_attr_t *to, const pthread_attr_t *from)
{
	void *address;
	size_t size;
	int error = pthread_attr_getstack(from, &address, &size);
	if (error)
		return error;
	/* Where no address was given, the end of the stack is told as 0. */
	if ((uintptr_t)address + size != 0)
		return pthread_attr_setstack(to, address, size);
	/* 0: the default. */
	return size ? pthread_attr_setstacksize(to, size) : 0;
}

/* The set lies in memory of its own, which goes when the program destroys its attributes. */
static int copy_affinity(pthread_attr_t *to, const pthread_attr_t *from)
{
	enum { LARGEST = 1 << 20 };
	for (size_t size = 1024; size <= LARGEST; size *= 2) {
		unsigned char *set = malloc(size);
		if (!set)
			return ENOMEM;
		int error = pthread_attr_getaffinity_np(from, size, (cpu_set_t *)set);
		/* All ones: none was given. */
		size_t ones = 0;
		while (error == 0 && ones < size && set[ones] == 0xff)
			ones++;
		if (error == 0 && ones < size)
			error = pthread_attr_setaffinity_np(to, size, (cpu_set_t *)set);
		free(set);
		/* It is larger. */
		if (error != EINVAL)
			return error;
	}
	return EINVAL;
}

static int copy_schedule(pthread_attr_t *to, const pthread_attr_t *from)
{
	int inherit, policy, scope, detached;
	struct sched_param parameters;
	size_t guard;
	pthread_attr_getinheritsched(from, &inherit);
	pthread_attr_getschedpolicy(from, &policy);
	pthread_attr_getschedparam(from, &parameters);
	pthread_attr_getscope(from, &scope);
	pthread_attr_getdetachstate(from, &detached);
	pthread_attr_getguardsize(from, &guard);
	int error = pthread_attr_setinheritsched(to, inherit);
	if (!error)
		error = pthread_attr_setschedpolicy(to, policy);
	if (!error)
		error = pthread_attr_setschedparam(to, &parameters);
	if (!error)
		error = pthread_attr_setscope(to, scope);
	if (!error)
		error = pthread_attr_setdetachstate(to, detached);
	if (!error)
		error = pthread_attr_setguardsize(to, guard);
	return error;
}

static int copy_signal_mask(struct rsipc_notification *to, const pthread_attr_t *from)
{
	sigset_t mask;
	if (!pthread_attr_getsigmask_np || !pthread_attr_setsigmask_np)
		return 0;
	/* PTHREAD_ATTR_NO_SIGMASK_NP, which is no error. */
	if (pthread_attr_getsigmask_np(from, &mask) != 0)
		return 0;
	to->has_signal_mask = 1;
	return pthread_attr_setsigmask_np(&to->attributes, &mask);
}

struct rsipc_notification *rsipc_notification_new(void (*function)(union sigval),
						  union sigval value,
						  const pthread_attr_t *attributes)
{
	struct rsipc_notification *new = malloc(sizeof *new);
	if (!new)
		return NULL;
	*new = (struct rsipc_notification){ .function = function, .value = value };
	if (pthread_attr_init(&new->attributes) != 0) {
		free(new);
		return NULL;
	}
	int failed = attributes && (copy_stack(&new->attributes, attributes) ||
				    copy_affinity(&new->attributes, attributes) ||
				    copy_schedule(&new->attributes, attributes) ||
				    copy_signal_mask(new, attributes));
	if (!failed)
		return new;
	rsipc_notification_free(new);
	return NULL;
}

void rsipc_notification_free(struct rsipc_notification *notification)
{
	pthread_attr_destroy(&notification->attributes);
	free(notification);
}

static void *run(void *argument)
{
	struct rsipc_notification notification = *(struct rsipc_notification *)argument;
	int detached;
	pthread_attr_getdetachstate(&notification.attributes, &detached);
	rsipc_notification_free(argument);
	/* By itself, so that it is done when the function runs. */
	if (detached == PTHREAD_CREATE_JOINABLE)
		pthread_detach(pthread_self());
	/* Its maker blocks all signals. Those of the program go to its threads. */
	sigset_t none;
	sigemptyset(&none);
	if (!notification.has_signal_mask)
		pthread_sigmask(SIG_SETMASK, &none, NULL);
	notification.function(notification.value);
	return NULL;
}

static void *wait_for_duty(void *argument)
{
	struct rsipc_notification *notification = argument;
	pthread_t thread;
	if (!rsipc_duty_wait(&notification->duty) ||
	    pthread_create(&thread, &notification->attributes, run, notification) != 0)
		rsipc_notification_free(notification);
	return NULL;
}

/* All signals are blocked, for the new thread, too. Returns 0 or an errno. */
int rsipc_notification_start(struct rsipc_notification *notification, const struct rsipc_duty *duty)
{
	pthread_attr_t attributes;
	pthread_t thread;
	notification->duty = *duty;
	int error = pthread_attr_init(&attributes);
	if (error)
		return error;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* Too small where the program has much thread-local memory: then it gets the default. */
	pthread_attr_setstacksize(&attributes, WAITER_STACK);
	error = pthread_create(&thread, &attributes, wait_for_duty, notification);
	if (error == EINVAL &&
	    (error = pthread_create(&thread, NULL, wait_for_duty, notification)) == 0)
		pthread_detach(thread);
	pthread_attr_destroy(&attributes);
	return error;
}
