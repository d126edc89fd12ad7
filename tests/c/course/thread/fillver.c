/* Several threads fill one array, each place with its index; a last thread verifies it. The
 * position and the value are shared, so taking a place is a critical section under a mutex. How
 * many places each thread gets is up to the scheduler.
 *
 *   fillver [PLACES [THREADS]]   with -v in front, the count of each thread is shown
 */
#include "../course.h"

#include <pthread.h>

enum { MOST_PLACES = 10000000, MOST_THREADS = 100 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int array[MOST_PLACES];
static int places, position, value;

static void *fill(void *count)
{
	for (;;) {
		pthread_mutex_lock(&mutex);
		if (position >= places) {
			pthread_mutex_unlock(&mutex);
			return NULL;
		}
		array[position++] = value++;
		pthread_mutex_unlock(&mutex);
		++*(int *)count;
	}
}

static void *verify(void *wrong)
{
	for (int i = 0; i < places; i++)
		if (array[i] != i)
			++*(int *)wrong;
	return NULL;
}

static int at_most(const char *number, int limit)
{
	int given = atoi(number);
	return given < limit ? given : limit;
}

int main(int argc, char **argv)
{
	begin();
	int verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	argv += verbose;
	argc -= verbose;
	places = at_most(argc > 1 ? argv[1] : "1000000", MOST_PLACES);
	int threads = at_most(argc > 2 ? argv[2] : "5", MOST_THREADS);

	pthread_t fillers[MOST_THREADS], verifier;
	int counts[MOST_THREADS] = { 0 }, sum = 0, wrong = 0;
	for (int i = 0; i < threads; i++)
		check_thread(pthread_create(&fillers[i], NULL, fill, &counts[i]), "pthread_create");
	for (int i = 0; i < threads; i++) {
		check_thread(pthread_join(fillers[i], NULL), "pthread_join");
		sum += counts[i];
		if (verbose)
			printf("thread %d filled %d\n", i, counts[i]);
	}
	check_thread(pthread_create(&verifier, NULL, verify, &wrong), "pthread_create");
	check_thread(pthread_join(verifier, NULL), "pthread_join");

	printf("%d threads filled %d of %d places, %d wrong\n", threads, sum, places, wrong);
	return sum == places && wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
