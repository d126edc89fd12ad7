/* Threads on the smallest stack that there is. */
#ifndef SUPPORT_SMALLEST_STACK_H
#define SUPPORT_SMALLEST_STACK_H

#include "check.h"

#include <pthread.h>

static inline void on_the_smallest_stack(void *(*body)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	CHECK_EQ(pthread_attr_init(&attributes), 0);
	CHECK_EQ(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN)), 0);
	CHECK_EQ(pthread_create(&thread, &attributes, body, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

#endif
