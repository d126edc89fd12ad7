/* A mutex for several processes: it lies in memory that they share and is made with
 * PTHREAD_PROCESS_SHARED. Without the lock some of the additions would be lost. */
#include "../course.h"

#include <pthread.h>
#include <sys/mman.h>

enum { PROCESSES = 4, ADDITIONS = 50000 };

struct account {
	pthread_mutex_t mutex;
	volatile long balance;
};

int main(void)
{
	begin();
	struct account *account = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (account == MAP_FAILED)
		die("mmap");
	pthread_mutexattr_t attributes;
	check_thread(pthread_mutexattr_init(&attributes), "pthread_mutexattr_init");
	check_thread(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED),
		     "setpshared");
	check_thread(pthread_mutex_init(&account->mutex, &attributes), "pthread_mutex_init");

	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		if ((children[i] = fork_child()) == 0) {
			for (int n = 0; n < ADDITIONS; n++) {
				pthread_mutex_lock(&account->mutex);
				account->balance = account->balance + 1;
				pthread_mutex_unlock(&account->mutex);
			}
			exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		expect_success(children[i]);

	printf("%d processes added 1, %d times each: %ld\n", PROCESSES, ADDITIONS,
	       account->balance);
	check_thread(pthread_mutex_destroy(&account->mutex), "pthread_mutex_destroy");
	return EXIT_SUCCESS;
}
