/* Producers and consumers over named semaphores: each process opens them by name, and the store
 * too, so they need not be related.
 *
 *   prod_cons [--time] [ITEMS]   2 producers and 2 consumers; --time also tells how long it took
 *   prod_cons p                  a producer: each character typed, ENTER too, is produced
 *   prod_cons c                  a consumer: for each character typed one is consumed, and shown
 *   prod_cons rm                 removes what p and c leave behind
 */
#include "ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum { PRODUCERS = 2, CONSUMERS = 2 };

static const char *name_with(const char *name, const char *suffix)
{
	static char text[80];
	snprintf(text, sizeof(text), "%s-%s", name, suffix);
	return text;
}

static sem_t *open_semaphore(const char *name, const char *suffix, unsigned value)
{
	sem_t *semaphore = sem_open(name_with(name, suffix), O_CREAT, 0600, value);
	if (semaphore == SEM_FAILED)
		die("sem_open");
	return semaphore;
}

static struct guards open_guards(const char *name)
{
	return (struct guards){
		.places = open_semaphore(name, "places", RING_PLACES),
		.items = open_semaphore(name, "items", 0),
		.lock = open_semaphore(name, "lock", 1),
	};
}

static void close_guards(struct guards guards)
{
	check(sem_close(guards.places), "sem_close");
	check(sem_close(guards.items), "sem_close");
	check(sem_close(guards.lock), "sem_close");
}

static struct ring *open_ring(const char *name)
{
	int fd = (int)check(shm_open(name_with(name, "store"), O_CREAT | O_RDWR, 0600), "shm_open");
	check(ftruncate(fd, sizeof(struct ring)), "ftruncate");
	struct ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		die("mmap");
	close(fd);
	return ring;
}

static void remove_all(const char *name)
{
	sem_unlink(name_with(name, "places"));
	sem_unlink(name_with(name, "items"));
	sem_unlink(name_with(name, "lock"));
	shm_unlink(name_with(name, "store"));
}

static void by_keys(const char *name, int produce)
{
	struct guards guards = open_guards(name);
	struct ring *ring = open_ring(name);
	for (int key; (key = getchar()) != EOF;) {
		if (produce)
			ring_put(ring, guards, key);
		else
			putchar(ring_take(ring, guards));
		fflush(stdout);
	}
	close_guards(guards);
}

/* One of the processes of the run on its own. A consumer hands the sum of what it took to the
 * parent. */
static pid_t start(const char *name, int produce, int first, int count, int result)
{
	pid_t child = fork_child();
	if (child != 0)
		return child;
	struct guards guards = open_guards(name);
	struct ring *ring = open_ring(name);
	long sum = 0;
	for (int i = 0; i < count; i++) {
		if (produce)
			ring_put(ring, guards, first + i);
		else
			sum += ring_take(ring, guards);
	}
	if (!produce)
		check(write(result, &sum, sizeof(sum)), "write");
	close_guards(guards);
	exit(EXIT_SUCCESS);
}

static void all_in_one(const char *name, int items, int timed)
{
	int share = items / PRODUCERS, result[2];
	check(pipe(result), "pipe");
	struct guards guards = open_guards(name);
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);

	pid_t children[PRODUCERS + CONSUMERS];
	for (int i = 0; i < PRODUCERS; i++)
		children[i] = start(name, 1, i * share + 1, share, result[1]);
	for (int i = 0; i < CONSUMERS; i++)
		children[PRODUCERS + i] = start(name, 0, 0, share, result[1]);
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
		expect_success(children[i]);
	clock_gettime(CLOCK_MONOTONIC, &after);

	long taken = 0, sum, made = 2L * share;
	for (int i = 0; i < CONSUMERS; i++) {
		check(read(result[0], &sum, sizeof(sum)), "read");
		taken += sum;
	}
	int places, left;
	sem_getvalue(guards.places, &places);
	sem_getvalue(guards.items, &left);
	close_guards(guards);
	remove_all(name);

	printf("%d producers made the numbers 1 to %ld, sum %ld\n", PRODUCERS, made,
	       made * (made + 1) / 2);
	printf("%d consumers took %ld numbers, sum %ld\n", CONSUMERS, made, taken);
	printf("at the end: %d of %d places free, %d items\n", places, RING_PLACES, left);
	if (timed) {
		double seconds = (double)(after.tv_sec - before.tv_sec) +
				 (double)(after.tv_nsec - before.tv_nsec) / 1e9;
		printf("%.3f s, %.0f items a second\n", seconds, (double)made / seconds);
	}
}

int main(int argc, char **argv)
{
	static const char common[] = "/course-prod_cons";
	const char *role = argc > 1 ? argv[1] : "";
	if (strcmp(role, "p") == 0 || strcmp(role, "c") == 0) {
		by_keys(common, role[0] == 'p');
	} else if (strcmp(role, "rm") == 0) {
		remove_all(common);
	} else {
		begin();
		int timed = strcmp(role, "--time") == 0;
		const char *items = argc > 1 + timed ? argv[1 + timed] : "20000";
		all_in_one(own_name("prod_cons").text, atoi(items), timed);
	}
	return EXIT_SUCCESS;
}
