/* sysv_sem_storm SECONDS: processes that lock with SEM_UNDO are killed at random instants, one a
 * millisecond: while they hold something, while they sleep, in exec, in fork. Others take their
 * places; two live through it all. Exit status 0: no process was let in beside a living holder, the
 * survivors go on when the others are gone, and in the end every value is what it was in the
 * beginning, no process is counted as asleep, and RSIPC_DIR, if it is set, has not grown.
 *
 * The locks are single semaphores, arrays of three, and one that is free at 0; beside them there
 * are tokens. What a worker does is in memory that outlives it. */
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include "place.h"

enum {
	SURVIVORS = 2, /* the first workers */
	WORKERS = 8,
	LIVES = 200000,
	PATIENCE_MS = 15000,
	NEWCOMERS = 200,
	/* The members of the set. */
	LOCKS = 3,
	ZERO_LOCK = LOCKS,
	TOKENS,
	MEMBERS,
	TOKENS_IN_ALL = 3,
};

#include "crew.h"

static struct {
	unsigned lives;
	/* The life that is inside, of each lock; 0: none, or one that has not got to say so. */
	unsigned owner[LOCKS + 1];
	pid_t pid_of[LIVES];
	unsigned long together, beats[SURVIVORS];
	unsigned long singles, arrays, zeros, tokens, execs, ends, forks;
} * notes;

static int set, notes_fd, self;
static unsigned life;
static long longest_turn;
static unsigned ended;

static void must_do(struct sembuf *ops, size_t count)
{
	MUST(semop(set, ops, count) == 0);
}

/* Whether the process can still do anything: one that is dying gives up its memory first. */
static int lives(pid_t pid)
{
	char path[64];
	unsigned long pages = 0;
	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	int known = fscanf(file, "%lu", &pages);
	fclose(file);
	return known == 1 && pages > 0;
}

static void go_inside(int lock)
{
	unsigned before = __atomic_exchange_n(&notes->owner[lock], life, __ATOMIC_SEQ_CST);
	if (before != 0 && lives(notes->pid_of[before]))
		__atomic_fetch_add(&notes->together, 1, __ATOMIC_SEQ_CST);
}

static void go_outside(int lock)
{
	unsigned own = life;
	if (!__atomic_compare_exchange_n(&notes->owner[lock], &own, 0, 0, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		__atomic_fetch_add(&notes->together, 1, __ATOMIC_SEQ_CST);
}

static void linger(void)
{
	for (volatile int i = rand() % 2000; i > 0; i--)
		;
}

static void take_one(int lock)
{
	must_do(&(struct sembuf){ (unsigned short)lock, -1, SEM_UNDO }, 1);
	go_inside(lock);
}

static void give_one(int lock)
{
	go_outside(lock);
	must_do(&(struct sembuf){ (unsigned short)lock, 1, SEM_UNDO }, 1);
}

static void lock_all(void)
{
	must_do((struct sembuf[]){ { 0, -1, SEM_UNDO }, { 1, -1, SEM_UNDO }, { 2, -1, SEM_UNDO } },
		3);
	for (int i = 0; i < LOCKS; i++)
		go_inside(i);
	linger();
	for (int i = 0; i < LOCKS; i++)
		go_outside(i);
	must_do((struct sembuf[]){ { 2, 1, SEM_UNDO }, { 1, 1, SEM_UNDO }, { 0, 1, SEM_UNDO } }, 3);
}

static void lock_zero(void)
{
	must_do((struct sembuf[]){ { ZERO_LOCK, 0, 0 }, { ZERO_LOCK, 1, SEM_UNDO } }, 2);
	go_inside(ZERO_LOCK);
	linger();
	go_outside(ZERO_LOCK);
	must_do(&(struct sembuf){ ZERO_LOCK, -1, SEM_UNDO }, 1);
}

static void borrow_token(void)
{
	must_do(&(struct sembuf){ TOKENS, -1, SEM_UNDO }, 1);
	linger();
	must_do(&(struct sembuf){ TOKENS, 1, SEM_UNDO }, 1);
}

/* A child that has nothing to give back. */
static void fork_inside(int lock)
{
	take_one(lock);
	pid_t child = fork();
	MUST(child != -1);
	if (child == 0)
		_exit(0);
	MUST(waitpid(child, NULL, 0) == child);
	give_one(lock);
}

/* The new program gives back what the old one has taken. */
static void exec_inside(int lock)
{
	char numbers[5][16];
	take_one(lock);
	int values[] = { set, notes_fd, self, (int)life, lock };
	for (int i = 0; i < 5; i++)
		snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
	execl("/proc/self/exe", "sysv_sem_storm", numbers[0], numbers[1], numbers[2], numbers[3],
	      numbers[4], (char *)NULL);
	MUST(!"exec");
}

/* Another program, with the library or without it, has what we took, knows nothing of it, and ends
 * soon. */
static void end_inside(int lock)
{
	char *brief[] = { "sysv_sem_storm", "brief", NULL }, *nothing[] = { NULL };
	take_one(lock);
	execve("/proc/self/exe", brief, rand() % 2 ? environ : nothing);
	MUST(!"exec");
}

static void one_turn(void)
{
	int lock = rand() % LOCKS;
	unsigned long *count = &notes->singles;
	switch (rand() % 64) {
	case 0:
		if (self >= SURVIVORS && rand() % 2) {
			__atomic_fetch_add(&notes->ends, 1, __ATOMIC_RELAXED);
			end_inside(lock);
		}
		__atomic_fetch_add(&notes->execs, 1, __ATOMIC_RELAXED);
		exec_inside(lock);
		break;
	case 1:
		count = &notes->forks;
		fork_inside(lock);
		break;
	case 2 ... 15:
		count = &notes->arrays;
		lock_all();
		break;
	case 16 ... 29:
		count = &notes->zeros;
		lock_zero();
		break;
	case 30 ... 39:
		count = &notes->tokens;
		borrow_token();
		break;
	default:
		take_one(lock);
		linger();
		give_one(lock);
	}
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

__attribute__((noreturn)) static void work(void)
{
	for (;;) {
		one_turn();
		if (self < SURVIVORS)
			__atomic_fetch_add(&notes->beats[self], 1, __ATOMIC_SEQ_CST);
	}
}

static void map_notes(void)
{
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED, notes_fd, 0);
	MUST(notes != MAP_FAILED);
}

/* After an exec. */
__attribute__((noreturn)) static void go_on(char **arguments)
{
	set = atoi(arguments[1]);
	notes_fd = atoi(arguments[2]);
	self = atoi(arguments[3]);
	life = (unsigned)atoi(arguments[4]);
	map_notes();
	/* Each exec goes on in its own way: the same would exec without end. */
	srand(life + (unsigned)notes->execs);
	give_one(atoi(arguments[5]));
	work();
}

static void start(int worker)
{
	unsigned next = ++notes->lives;
	MUST(next < LIVES);
	workers[worker] = fork_worker();
	if (workers[worker] == 0) {
		self = worker;
		life = next;
		notes->pid_of[life] = getpid();
		srand(life);
		work();
	}
}

static void end(int worker)
{
	strike(worker);
	int status = bury(worker);
	if (WIFSIGNALED(status)) {
		MUST(WTERMSIG(status) == SIGKILL);
		kills++;
	} else {
		/* Another program came to its end. */
		MUST(WEXITSTATUS(status) == 0);
		ended++;
	}
}

/* How long a survivor has been in one turn. In the storm no end of it is promised: a waiter for
 * several members at once is passed over by waiters for one. */
static void watch_survivors(void)
{
	for (int i = 0; i < SURVIVORS; i++) {
		long turn = stall_of(i, __atomic_load_n(&notes->beats[i], __ATOMIC_SEQ_CST));
		if (turn > longest_turn)
			longest_turn = turn;
	}
}

/* When the others are gone, and what they held is back, nothing keeps a survivor. */
static void survivors_go_on(void)
{
	for (int i = 0; i < SURVIVORS; i++) {
		unsigned long beats = __atomic_load_n(&notes->beats[i], __ATOMIC_SEQ_CST);
		for (long until = now_ms() + PATIENCE_MS;
		     __atomic_load_n(&notes->beats[i], __ATOMIC_SEQ_CST) < beats + 10;) {
			MUST(now_ms() < until);
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
	}
}

static void storm(long seconds)
{
	for (int i = 0; i < WORKERS; i++)
		start(i);
	for (long until = now_ms() + seconds * 1000;
	     now_ms() < until && notes->lives < LIVES - WORKERS;) {
		nanosleep(&(struct timespec){ .tv_nsec = 500000 + rand() % 1000000 }, NULL);
		int worker = SURVIVORS + rand() % (WORKERS - SURVIVORS);
		end(worker);
		start(worker);
		watch_survivors();
	}
	for (int i = SURVIVORS; i < WORKERS; i++)
		end(i);
	survivors_go_on();
	for (int i = 0; i < SURVIVORS; i++)
		end(i);
}

static const unsigned short in_the_beginning[MEMBERS] = { 1, 1, 1, 0, TOKENS_IN_ALL };

static void all_is_as_it_was(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		int value = semctl(set, i, GETVAL), takers = semctl(set, i, GETNCNT),
		    zeros = semctl(set, i, GETZCNT);
		if (value != in_the_beginning[i] || takers != 0 || zeros != 0)
			fprintf(stderr, "member %d: value %d, %d and %d asleep\n", i, value, takers,
				zeros);
		MUST(value == in_the_beginning[i] && takers == 0 && zeros == 0);
	}
	MUST(notes->together == 0);
	for (int i = 0; i < 1000; i++) {
		must_do((struct sembuf[]){ { 0, -1, SEM_UNDO }, { ZERO_LOCK, 0, IPC_NOWAIT } }, 2);
		must_do(&(struct sembuf){ 0, 1, SEM_UNDO }, 1);
	}
}

/* The places of the dead are free again: more newcomers than there are places find one. */
static void come_and_go(void)
{
	for (int i = 0; i < NEWCOMERS; i++) {
		pid_t child = fork();
		MUST(child != -1);
		if (child == 0) {
			struct sembuf wait = { ZERO_LOCK, -1, 0 };
			must_do(&(struct sembuf){ TOKENS, -1, SEM_UNDO }, 1);
			MUST(semtimedop(set, &wait, 1, &(struct timespec){ .tv_nsec = 1000 }) ==
				     -1 &&
			     errno == EAGAIN);
			raise(SIGKILL);
		}
		int status;
		MUST(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
		     WTERMSIG(status) == SIGKILL);
	}
}

int main(int argc, char **argv)
{
	if (argc == 6)
		go_on(argv);
	if (argc == 2 && strcmp(argv[1], "brief") == 0) {
		srand((unsigned)getpid());
		nanosleep(&(struct timespec){ .tv_nsec = rand() % 2000000 }, NULL);
		return 0;
	}
	MUST(argc == 2);
	notes_fd = memfd_create("storm", 0);
	MUST(notes_fd != -1 && ftruncate(notes_fd, sizeof *notes) == 0);
	map_notes();
	set = semget(IPC_PRIVATE, MEMBERS, 0600);
	MUST(set != -1 && semctl(set, 0, SETALL, in_the_beginning) == 0);
	long before = bytes_used();
	srand((unsigned)getpid());
	storm(atol(argv[1]));
	printf("%lu singles, %lu arrays, %lu zeros, %lu tokens, %lu execs, %lu forks, ",
	       notes->singles, notes->arrays, notes->zeros, notes->tokens, notes->execs,
	       notes->forks);
	printf("%u killed, %u of %lu ended as other programs; a turn of %ld ms\n", kills, ended,
	       notes->ends, longest_turn);
	all_is_as_it_was();
	MUST(notes->singles && notes->arrays && notes->zeros && notes->tokens && notes->execs &&
	     notes->ends && notes->forks);
	come_and_go();
	all_is_as_it_was();
	MUST(bytes_used() == before);
	MUST(semctl(set, 0, IPC_RMID) == 0);
	return 0;
}
