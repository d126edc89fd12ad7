/* A mutex is locked or not: trylock says EBUSY instead of waiting. The default kind does not look
 * which thread locks; one of the error-checking kind also tells its owner off. */
#include "../course.h"

#include <pthread.h>

static const char *name_of(int error)
{
	return error == 0 ? "no error" : strerrorname_np(error);
}

static void *try_lock(void *mutex)
{
	int error = pthread_mutex_trylock(mutex);
	printf("another thread, trylock: %s\n", name_of(error));
	if (error == 0)
		pthread_mutex_unlock(mutex);
	return NULL;
}

static void other_thread(pthread_mutex_t *mutex)
{
	pthread_t thread;
	check_thread(pthread_create(&thread, NULL, try_lock, mutex), "pthread_create");
	check_thread(pthread_join(thread, NULL), "pthread_join");
}

int main(void)
{
	begin();
	pthread_mutex_t mutex;
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	check_thread(pthread_mutex_init(&mutex, &attributes), "pthread_mutex_init");

	printf("free\n");
	other_thread(&mutex);
	printf("lock: %s\n", name_of(pthread_mutex_lock(&mutex)));
	other_thread(&mutex);
	printf("the owner locks again: %s\n", name_of(pthread_mutex_lock(&mutex)));
	printf("destroy while locked: %s\n", name_of(pthread_mutex_destroy(&mutex)));
	printf("unlock: %s\n", name_of(pthread_mutex_unlock(&mutex)));
	printf("unlock again: %s\n", name_of(pthread_mutex_unlock(&mutex)));
	other_thread(&mutex);
	printf("destroy: %s\n", name_of(pthread_mutex_destroy(&mutex)));
	return EXIT_SUCCESS;
}
