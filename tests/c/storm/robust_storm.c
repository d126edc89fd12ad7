/* robust_storm NAME SECONDS: processes that hold robust semaphores are killed at random instants.
 * Prints how many.
 *
 * robust_storm NAME plain: a process on plain glibc that uses one of them, too, until it is told to
 * stop.
 *
 * NAME.lock has the value 1: nobody is in there together with a living process, and whoever comes
 * in after a dead one is told. NAME.pool has the value 3. Now and then all rest, and both have
 * their value again. */
#include <fcntl.h>
#include <rsipc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

#pragma weak rsipc_sem_setrobust
#pragma weak rsipc_sem_wasdead

enum { SURVIVORS = 3, VICTIMS = 6, POOL = 3, ROUND_MS = 1000, BOUND_MS = 30000 };
enum command { WORK, PAUSE, STOP };

static struct board {
	uint32_t command;
	uint32_t resting, plain_ready, plain_resting;
	uint32_t owner;
	uint64_t told, turns;
} *board;
static sem_t *lock, *pool;
static unsigned chance;

static unsigned draw(unsigned limit)
{
	chance = chance * 1664525 + 1013904223;
	return (unsigned)((uint64_t)(chance >> 8) * limit >> 24);
}

static uint32_t command(void)
{
	return __atomic_load_n(&board->command, __ATOMIC_SEQ_CST);
}

static void short_time(long nanoseconds)
{
	nanosleep(&(struct timespec){ .tv_nsec = nanoseconds }, NULL);
}

static sem_t *open_semaphore(const char *name, const char *which, unsigned value)
{
	char path[300];
	snprintf(path, sizeof path, "%s.%s", name, which);
	sem_t *sem = sem_open(path, O_CREAT, 0600, value);
	MUST(sem != SEM_FAILED);
	return sem;
}

static void open_all(const char *name)
{
	char path[300];
	lock = open_semaphore(name, "lock", 1);
	pool = open_semaphore(name, "pool", POOL);
	snprintf(path, sizeof path, "%s.board", name);
	int fd = shm_open(path, O_CREAT | O_RDWR, 0600);
	MUST(fd >= 0 && ftruncate(fd, sizeof *board) == 0);
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(board != MAP_FAILED);
	close(fd);
}

static void use_pool(void)
{
	MUST(sem_wait(pool) == 0);
	if (draw(2))
		short_time(draw(200000));
	MUST(sem_post(pool) == 0);
}

/* Whoever finds the mark of another one has been told of its death before. */
static void use_lock(void)
{
	MUST(sem_wait(lock) == 0);
	int dead = rsipc_sem_wasdead(lock);
	MUST(dead >= 0);
	if (dead)
		__atomic_fetch_add(&board->told, 1, __ATOMIC_RELAXED);
	uint32_t other = __atomic_load_n(&board->owner, __ATOMIC_SEQ_CST);
	MUST(other == 0 || dead);
	__atomic_store_n(&board->owner, (uint32_t)getpid(), __ATOMIC_SEQ_CST);
	if (draw(2))
		short_time(draw(100000));
	MUST(__atomic_load_n(&board->owner, __ATOMIC_SEQ_CST) == (uint32_t)getpid());
	__atomic_store_n(&board->owner, 0, __ATOMIC_SEQ_CST);
	MUST(sem_post(lock) == 0);
	__atomic_fetch_add(&board->turns, 1, __ATOMIC_RELAXED);
}

/* Where the number of those that rest is. */
static void work(uint32_t *resting)
{
	while (command() != STOP) {
		if (command() == PAUSE && resting) {
			__atomic_fetch_add(resting, 1, __ATOMIC_SEQ_CST);
			while (command() == PAUSE)
				short_time(1000000);
			continue;
		}
		if (rsipc_sem_setrobust && draw(3))
			use_lock();
		else
			use_pool();
	}
}

static pid_t start(uint32_t *resting)
{
	static unsigned started;
	unsigned number = ++started;
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		chance = number * 2654435761u;
		work(resting);
		_exit(0);
	}
	return pid;
}

static void kill_one(pid_t pid)
{
	int status;
	MUST(pid > 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
	/* It had not ended by itself. */
	MUST(WIFSIGNALED(status));
}

/* How things stand, where they are not as they should be. */
static int tell(void)
{
	fprintf(stderr, "lock %016llx, pool %016llx, owner %u, resting %u and %u\n",
		*(unsigned long long *)(void *)lock, *(unsigned long long *)(void *)pool,
		board->owner, board->resting, board->plain_resting);
	return 0;
}

static void await(const uint32_t *word, uint32_t value)
{
	long end = now_ms() + BOUND_MS;
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value) {
		MUST(now_ms() < end || tell());
		short_time(200000);
	}
}

static int values_are_right(void)
{
	int first, second;
	MUST(sem_getvalue(lock, &first) == 0 && sem_getvalue(pool, &second) == 0);
	MUST(first <= 1 && second <= POOL);
	return first == 1 && second == POOL;
}

/* All rest, the victims for ever: everything is there, and stays so. */
static void rest(pid_t *victims)
{
	for (int i = 0; i < VICTIMS; i++)
		kill_one(victims[i]);
	__atomic_store_n(&board->command, PAUSE, __ATOMIC_SEQ_CST);
	await(&board->resting, SURVIVORS);
	await(&board->plain_resting, 1);
	long end = now_ms() + BOUND_MS;
	while (!values_are_right()) {
		MUST(now_ms() < end || tell());
		short_time(200000);
	}
	for (int i = 0; i < 20; i++) {
		short_time(1000000);
		MUST(values_are_right());
	}
	board->resting = board->plain_resting = 0;
}

/* For so long, and until so many have been killed. */
static void rage(long seconds, long least)
{
	pid_t survivors[SURVIVORS], victims[VICTIMS];
	long kills = 0, end = now_ms() + seconds * 1000, round = now_ms() + ROUND_MS;
	for (int i = 0; i < SURVIVORS; i++)
		survivors[i] = start(&board->resting);
	for (int i = 0; i < VICTIMS; i++)
		victims[i] = start(NULL);
	while (now_ms() < end || kills < least) {
		short_time(draw(600000));
		int count = draw(8) ? 1 : 3, first = (int)draw(VICTIMS);
		/* Several at once: the one that gives back is killed, too. */
		for (int i = 0; i < count; i++)
			MUST(kill(victims[(first + i) % VICTIMS], SIGKILL) == 0);
		for (int i = 0; i < count; i++) {
			kill_one(victims[(first + i) % VICTIMS]);
			victims[(first + i) % VICTIMS] = start(NULL);
		}
		kills += count;
		if (now_ms() < round)
			continue;
		uint64_t turns = board->turns;
		rest(victims);
		MUST(turns > 0);
		__atomic_store_n(&board->command, WORK, __ATOMIC_SEQ_CST);
		for (int i = 0; i < VICTIMS; i++)
			victims[i] = start(NULL);
		kills += VICTIMS;
		round = now_ms() + ROUND_MS;
	}
	rest(victims);
	__atomic_store_n(&board->command, STOP, __ATOMIC_SEQ_CST);
	for (int i = 0; i < SURVIVORS; i++) {
		int status;
		MUST(waitpid(survivors[i], &status, 0) == survivors[i] && status == 0);
	}
	printf("%ld kills, %llu turns, %llu deaths told\n", kills, (unsigned long long)board->turns,
	       (unsigned long long)board->told);
	MUST(board->told > 0);
}

int main(int argc, char **argv)
{
	MUST(argc >= 3);
	chance = (unsigned)getpid();
	open_all(argv[1]);
	if (strcmp(argv[2], "plain") == 0) {
		MUST(!rsipc_sem_setrobust);
		board->plain_ready = 1;
		work(&board->plain_resting);
		return 0;
	}
	MUST(rsipc_sem_setrobust(lock) == 0 && rsipc_sem_setrobust(pool) == 0);
	await(&board->plain_ready, 1);
	MUST(argc == 4);
	rage(atol(argv[2]), atol(argv[3]));
	return 0;
}
