/* sysv_sem_late DEATHS READS: what a killed process held is given on neither late nor early.
 *
 * DEATHS times a holder is killed while a process sleeps for what it has: the time from the end of
 * the holder to the moment at which the sleeper has it is printed. READS times the holder is killed
 * in the middle of a large read into the memory that its lock protects: the next holder of the lock
 * finds that no process writes there any more. */
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

enum { LATE_MS = 15000, PROMISED_MS = 50, PAGE = 4096, PAGES = 32768, LOOKS = 20, MARK = 7 };

static int set;
static struct {
	int holds;
	long got_us;
} * notes;

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(memory != MAP_FAILED);
	return memory;
}

static long now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void take(void)
{
	MUST(semop(set, &(struct sembuf){ 0, -1, SEM_UNDO }, 1) == 0);
}

static pid_t start(void (*body)(void))
{
	pid_t supervisor = getpid(), pid = fork();
	MUST(pid != -1);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != supervisor)
			_exit(1);
		/* A process that is never served ends the test. */
		alarm(4 * LATE_MS / 1000);
		body();
		_exit(0);
	}
	return pid;
}

static void await(const int *word, int value)
{
	for (long until = now_ms() + LATE_MS; __atomic_load_n(word, __ATOMIC_SEQ_CST) != value;) {
		MUST(now_ms() < until);
		usleep(100);
	}
}

static void await_sleepers(int count)
{
	for (long until = now_ms() + LATE_MS; semctl(set, 0, GETNCNT) != count;) {
		MUST(now_ms() < until);
		usleep(100);
	}
}

static void kill_and_wait(pid_t pid)
{
	MUST(pid > 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static void must_end_well(pid_t pid)
{
	int status;
	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void hold(void)
{
	take();
	__atomic_store_n(&notes->holds, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void be_next(void)
{
	take();
	__atomic_store_n(&notes->got_us, now_us(), __ATOMIC_SEQ_CST);
}

/* Microseconds from the end of the holder to the turn of the next one; 0 if that came first. */
static long one_death(void)
{
	notes->holds = 0;
	pid_t holder = start(hold);
	await(&notes->holds, 1);
	pid_t next = start(be_next);
	await_sleepers(1);
	kill_and_wait(holder);
	long ended = now_us();
	must_end_well(next);
	MUST(semctl(set, 0, GETVAL) == 1);
	return notes->got_us > ended ? notes->got_us - ended : 0;
}

static void count_deaths(int deaths)
{
	int late = 0;
	long longest = 0;
	for (int i = 0; i < deaths; i++) {
		long us = one_death();
		late += us > PROMISED_MS * 1000;
		longest = us > longest ? us : longest;
	}
	printf("%d deaths: %d times later than %d ms, at most %ld us\n", deaths, late, PROMISED_MS,
	       longest);
	MUST(longest < LATE_MS * 1000L);
}

static unsigned char *guarded;
static int file;

/* Reads ones into the memory, again and again, under the lock. */
static void read_under_the_lock(void)
{
	take();
	for (;;) {
		__atomic_store_n(&notes->holds, 1, __ATOMIC_SEQ_CST);
		pread(file, guarded, (size_t)PAGE * PAGES, 0);
	}
}

/* Under the lock, marks each page, and looks whether the marks stay. */
static void guard_after_it(void)
{
	take();
	for (long page = 0; page < PAGES; page++)
		__atomic_store_n(&guarded[page * PAGE], MARK, __ATOMIC_SEQ_CST);
	for (int look = 0; look < LOOKS; look++) {
		for (long page = 0; page < PAGES; page++)
			MUST(__atomic_load_n(&guarded[page * PAGE], __ATOMIC_SEQ_CST) == MARK);
		usleep(1000);
	}
}

static void count_reads(int reads)
{
	guarded = shared_memory((size_t)PAGE * PAGES);
	file = memfd_create("ones", MFD_CLOEXEC);
	MUST(file != -1 && ftruncate(file, (off_t)PAGE * PAGES) == 0);
	unsigned char *ones = mmap(NULL, (size_t)PAGE * PAGES, PROT_READ | PROT_WRITE, MAP_SHARED,
				   file, 0);
	MUST(ones != MAP_FAILED);
	memset(ones, 1, (size_t)PAGE * PAGES);
	srand(1);
	for (int i = 0; i < reads; i++) {
		notes->holds = 0;
		pid_t holder = start(read_under_the_lock);
		await(&notes->holds, 1);
		pid_t next = start(guard_after_it);
		await_sleepers(1);
		usleep((unsigned)rand() % 20000);
		kill_and_wait(holder);
		must_end_well(next);
	}
	printf("%d killed in a read of %d MiB: nothing was written after it\n", reads,
	       PAGE / 1024 * PAGES / 1024);
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	notes = shared_memory(sizeof *notes);
	set = semget(IPC_PRIVATE, 1, 0600);
	MUST(set != -1 && semctl(set, 0, SETVAL, 1) == 0);
	count_deaths(atoi(argv[1]));
	count_reads(atoi(argv[2]));
	MUST(semctl(set, 0, IPC_RMID) == 0);
	return 0;
}
