/* One side of a meeting of processes, of which some run on the library and some on plain glibc.
 *
 *   mixed create|join named|unnamed NAME ping|pong ROUNDS   takes turns with one other process
 *   mixed create|join named|unnamed NAME lock ROUNDS        counts in turn with several others
 *   mixed create|join named|unnamed NAME wait|timedwait|post|timeout|value
 *
 * `create` makes the object and fails when it is there; `join` waits until another process has made
 * it. The first line on stdout says "on rsipc" or "on glibc". */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../support/older.h"

enum { SECONDS = 60 };

/* What lies in the shared memory object; with named semaphores only `counter` and `ready`
 * are used. */
struct board {
	sem_t ping, pong;
	long counter;
	int ready;
};

static sem_t *ping, *pong;
static struct board *board;

static void check(int holds, const char *what)
{
	if (!holds)
		errx(1, "not true: %s (errno %s)", what, strerrorname_np(errno));
}
#define CHECK(condition) check(condition, #condition)

static void say_who_we_are(void)
{
	char line[500];
	int ours = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	CHECK(maps != NULL);
	while (fgets(line, sizeof line, maps))
		ours |= strstr(line, "librsipc.so") != NULL;
	fclose(maps);
	puts(ours ? "on rsipc" : "on glibc");
	fflush(stdout);
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void open_board(const char *name, int create)
{
	int fd;
	while ((fd = shm_open(name, create ? O_CREAT | O_EXCL | O_RDWR : O_RDWR, 0600)) == -1) {
		CHECK(!create && errno == ENOENT);
		nap();
	}
	if (create)
		CHECK(ftruncate(fd, sizeof *board) == 0);
	for (struct stat st = { 0 }; st.st_size < (off_t)sizeof *board; nap())
		CHECK(fstat(fd, &st) == 0);
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(board != MAP_FAILED);
	close(fd);
}

static sem_t *open_named(const char *name, const char *which, int create)
{
	char full[100];
	snprintf(full, sizeof full, "%s.%s", name, which);
	return create ? sem_open(full, O_CREAT | O_EXCL, 0600, 0) : sem_open(full, 0);
}

static void prepare(const char *name, int create, int named)
{
	open_board(name, create);
	while (!create && !__atomic_load_n(&board->ready, __ATOMIC_ACQUIRE))
		nap();
	if (named) {
		ping = open_named(name, "ping", create);
		pong = open_named(name, "pong", create);
		CHECK(ping != SEM_FAILED && pong != SEM_FAILED);
	} else {
		ping = &board->ping;
		pong = &board->pong;
		if (create) {
			CHECK(sem_init(ping, 1, 0) == 0);
			CHECK(sem_init(pong, 1, 0) == 0);
		}
	}
	__atomic_store_n(&board->ready, 1, __ATOMIC_RELEASE);
}

/* Waits for our turn, counts, and gives the turn away: the count is even for one side, odd for the
 * other. */
static void take_turns(sem_t *ours, sem_t *theirs, int parity, long rounds)
{
	for (long i = 0; i < rounds; i++) {
		CHECK(sem_wait(ours) == 0);
		CHECK(board->counter++ == 2 * i + parity);
		CHECK(sem_post(theirs) == 0);
	}
}

static void count_under_lock(long rounds)
{
	for (long i = 0; i < rounds; i++) {
		CHECK(sem_wait(ping) == 0);
		board->counter = board->counter + 1;
		CHECK(sem_post(ping) == 0);
	}
}

static int wait_for(long milliseconds)
{
	struct timespec when;
	CHECK(clock_gettime(CLOCK_REALTIME, &when) == 0);
	long nanoseconds = when.tv_nsec + milliseconds % 1000 * 1000000;
	when.tv_sec += milliseconds / 1000 + nanoseconds / 1000000000;
	when.tv_nsec = nanoseconds % 1000000000;
	return sem_timedwait(ping, &when);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "usage: mixed create|join named|unnamed NAME ACTION [ROUNDS]");
	alarm(SECONDS);
	say_who_we_are();
	prepare(argv[3], strcmp(argv[1], "create") == 0, strcmp(argv[2], "named") == 0);
	const char *action = argv[4];
	long rounds = argc > 5 ? atol(argv[5]) : 0;
	int value;
	if (strcmp(action, "ping") == 0) {
		CHECK(sem_post(ping) == 0);
		take_turns(ping, pong, 0, rounds);
		CHECK(sem_wait(ping) == 0);
	} else if (strcmp(action, "pong") == 0) {
		take_turns(pong, ping, 1, rounds);
	} else if (strcmp(action, "lock") == 0) {
		count_under_lock(rounds);
	} else if (strcmp(action, "wait") == 0) {
		CHECK(sem_wait(ping) == 0);
	} else if (strcmp(action, "timedwait") == 0) {
		CHECK(wait_for(1000 * SECONDS) == 0);
	} else if (strcmp(action, "timeout") == 0) {
		CHECK(wait_for(20) == -1 && errno == ETIMEDOUT);
	} else if (strcmp(action, "post") == 0) {
		CHECK(sem_post(ping) == 0);
	} else if (strcmp(action, "value") == 0) {
		CHECK(sem_getvalue(ping, &value) == 0);
		printf("value %d counter %ld\n", value, board->counter);
	} else {
		errx(2, "no action %s", action);
	}
	return 0;
}
