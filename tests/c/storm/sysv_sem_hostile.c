/* sysv_sem_hostile MEMBERS SEED SECONDS: processes use a set of semaphores in every way, while
 * another one writes random bytes to its file. Exit status 0: no process crashed, and each call
 * came to an end: with an errno, or done. And a file of random bytes that has the name of a set is
 * no set.
 *
 * RSIPC_DIR must be a directory of our own. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

enum { USERS = 3, HANG_MS = 20000, MOST = 32000 };

static struct {
	atomic_int is_over;
	atomic_ulong done, refused, overwritten;
	atomic_long since[USERS];
} *notes;

static int set, members;
static uint64_t chance;

static uint64_t draw(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

static void count(int result)
{
	atomic_fetch_add(result == -1 ? &notes->refused : &notes->done, 1);
}

static void turn(void)
{
	static unsigned short values[MOST];
	struct sembuf operations[500];
	struct timespec moment = { .tv_nsec = 300000 };
	struct semid_ds status;
	int number = (int)(draw() % (unsigned)members);
	size_t length = draw() % 16 == 0 ? 500 : 1 + draw() % 4;
	for (size_t i = 0; i < length; i++)
		operations[i] = (struct sembuf){
			.sem_num = (unsigned short)(draw() % (unsigned)members),
			.sem_op = (short)((int)(draw() % 5) - 2),
			.sem_flg = (short)(draw() % 2 ? SEM_UNDO : 0),
		};
	if (draw() % 4 == 0)
		operations[0].sem_flg |= IPC_NOWAIT;
	switch (draw() % 10) {
	case 0:
		return count(semctl(set, number, SETVAL, (int)(draw() % 4)));
	case 1:
		return count(semctl(set, number, GETVAL));
	case 2:
		return count(semctl(set, number, draw() % 2 ? GETNCNT : GETZCNT));
	case 3:
		return count(semctl(set, 0, IPC_STAT, &status));
	case 4:
		return count(semctl(set, 0, GETALL, values));
	case 5:
		for (int i = 0; i < members; i++)
			values[i] = (unsigned short)(draw() % 3);
		return count(semctl(set, 0, SETALL, values));
	default:
		return count(semtimedop(set, operations, length, &moment));
	}
}

__attribute__((noreturn)) static void use(int user)
{
	chance = (uint64_t)getpid() << 20 | 1;
	while (!atomic_load(&notes->is_over)) {
		atomic_store(&notes->since[user], now_ms());
		turn();
	}
	_exit(0);
}

/* A word that might be one of the set's: near what is there, or an extreme. */
static uint64_t spoilt(uint64_t word)
{
	switch (draw() % 8) {
	case 0:
		return draw();
	case 1:
		return 0;
	case 2:
		return UINT64_MAX;
	case 3:
		return word ^ 1ULL << draw() % 64;
	case 4:
		return word + 0x100;
	case 5:
		return (uint64_t)getpid() << 32 | (uint64_t)getppid();
	case 6:
		return word << 32 | word >> 32;
	default:
		return draw() % 64 << draw() % 64;
	}
}

static void overwrite(int file, off_t size)
{
	off_t at = (off_t)(draw() % 4 == 0 ? draw() % 4096 : draw() % (uint64_t)size) & ~7;
	uint64_t word = 0;
	/* What says which set it is stays: that is looked at when it is opened. */
	if (at < 64 && draw() % 64 != 0)
		return;
	MUST(pread(file, &word, sizeof word, at) >= 0);
	word = spoilt(word);
	MUST(pwrite(file, &word, sizeof word, at) == sizeof word);
	atomic_fetch_add(&notes->overwritten, 1);
}

static const char *path_of(int id)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/rsipc-svsem.%d", getenv("RSIPC_DIR"), id);
	return path;
}

static void spoil(long seconds)
{
	int file = open(path_of(set), O_RDWR);
	struct stat status;
	MUST(file != -1 && fstat(file, &status) == 0);
	for (long until = now_ms() + seconds * 1000; now_ms() < until;) {
		overwrite(file, status.st_size);
		if (draw() % 8 == 0)
			usleep(100);
		for (int i = 0; i < USERS; i++)
			MUST(now_ms() - atomic_load(&notes->since[i]) < HANG_MS);
	}
	close(file);
}

/* Any bytes in a file with such a name. */
static void refuse_random_files(void)
{
	for (int i = 0; i < 200; i++) {
		int id = (1 << 20) + (int)(draw() % 100000000);
		int file = open(path_of(id), O_RDWR | O_CREAT | O_TRUNC, 0600);
		MUST(file != -1);
		static uint64_t bytes[8192];
		for (size_t word = 0; word < 8192; word++)
			bytes[word] = draw();
		if (i % 2) {
			/* With a good beginning. */
			bytes[0] = 0x76732d6370697372;
			bytes[1] = 1ULL << 32 | 1;
			bytes[2] = (uint32_t)id;
			bytes[4] = i % 4 == 1 ? 1 : draw();
		}
		MUST(write(file, bytes, draw() % sizeof bytes) >= 0);
		close(file);
		struct sembuf add = { 0, 1, IPC_NOWAIT };
		count(semop(id, &add, 1));
		count(semctl(id, 0, GETVAL));
		count(semctl(id, 0, IPC_RMID));
		unlink(path_of(id));
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 4);
	members = atoi(argv[1]);
	chance = (uint64_t)atol(argv[2]) * 0x9e3779b97f4a7c15 + 1;
	int shared = MAP_SHARED | MAP_ANONYMOUS;
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, shared, -1, 0);
	MUST(notes != MAP_FAILED);
	refuse_random_files();
	set = semget(IPC_PRIVATE, members, 0600);
	MUST(set != -1);
	pid_t users[USERS];
	for (int i = 0; i < USERS; i++) {
		atomic_store(&notes->since[i], now_ms());
		users[i] = fork();
		MUST(users[i] != -1);
		if (users[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			use(i);
		}
	}
	spoil(atol(argv[3]));
	atomic_store(&notes->is_over, 1);
	for (int i = 0; i < USERS; i++) {
		int status;
		long until = now_ms() + HANG_MS;
		for (; waitpid(users[i], &status, WNOHANG) == 0; usleep(1000))
			MUST(now_ms() < until);
		MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	printf("%lu done, %lu refused, %lu words overwritten\n", notes->done, notes->refused,
	       notes->overwritten);
	MUST(notes->done > 100 && notes->overwritten > 100);
	return 0;
}
