#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* SIGEV_THREAD. The thread is made and run in C: it may end itself, or be cancelled. */

#pragma GCC visibility push(hidden)

/* `Start` of mq/herald.rs */
struct rsipc_notification {
	void (*function)(union sigval);
	union sigval value;
	pthread_attr_t attributes;
	bool has_attributes;
	void (*start)(const struct rsipc_notification *);
};

void rsipc_start_notification(const struct rsipc_notification *wish);

#pragma GCC visibility pop

static int is_joinable(const struct rsipc_notification *wish)
{
	int state = PTHREAD_CREATE_JOINABLE;
	if (wish->has_attributes)
		pthread_attr_getdetachstate(&wish->attributes, &state);
	return state == PTHREAD_CREATE_JOINABLE;
}

static void *run(void *argument)
{
	struct rsipc_notification wish = *(struct rsipc_notification *)argument;
	free(argument);
	/* By itself, so that it is done when the function runs. */
	if (is_joinable(&wish))
		pthread_detach(pthread_self());
	/* Its maker blocks all signals. Those of the program go to its threads. */
	sigset_t none;
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	wish.function(wish.value);
	return NULL;
}

void rsipc_start_notification(const struct rsipc_notification *wish)
{
	struct rsipc_notification *copy = malloc(sizeof *copy);
	if (!copy)
		return;
	*copy = *wish;
	pthread_t thread;
	if (pthread_create(&thread, wish->has_attributes ? &wish->attributes : NULL, run, copy) != 0)
		free(copy);
}
