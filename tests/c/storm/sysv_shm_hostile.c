/* sysv_shm_hostile SEED SECONDS: processes use a segment of shared memory in every way, while
 * another one writes random bytes to the file that describes it. Exit status 0: no process crashed,
 * and each call came to an end: with an errno, or done. What was attached could be read and written
 * to its end. And a file of random bytes that has the name of a segment is no segment.
 *
 * RSIPC_DIR must be a directory of our own, and RSIPC_SYSV name shm. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

enum { USERS = 3, HANG_MS = 20000, SIZE = 10000, PAGE = 4096 };

static struct {
	atomic_int is_over, segment;
	atomic_ulong done, refused, overwritten;
	atomic_long since[USERS];
} *notes;

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

/* Touches each page of what is attached, and detaches it. */
static void touch(int id, int flags, size_t size)
{
	volatile char *at = shmat(id, NULL, flags);
	if (at == (void *)-1)
		return count(-1);
	for (size_t byte = 0; byte < size; byte += PAGE) {
		if (flags & SHM_RDONLY)
			(void)at[byte];
		else
			at[byte] = 'a';
	}
	count(shmdt((void *)at));
}

static void turn(void)
{
	struct shmid_ds status;
	int segment = atomic_load(&notes->segment);
	switch (draw() % 8) {
	case 0:
		return count(shmctl(segment, IPC_STAT, &status));
	case 1:
		status.shm_perm.uid = status.shm_perm.gid = 0;
		status.shm_perm.mode = 0600;
		return count(shmctl(segment, IPC_SET, &status));
	case 2:
		return count(shmctl(segment, draw() % 2 ? SHM_LOCK : SHM_UNLOCK, NULL));
	case 3:
		return count(shmctl((int)(draw() % 4), SHM_STAT, &status));
	case 4:
		return touch(segment, SHM_RDONLY, SIZE);
	default:
		return touch(segment, 0, SIZE);
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

/* A word that might be one of the segment's: near what is there, or an extreme. */
static uint64_t spoilt(uint64_t word)
{
	switch (draw() % 6) {
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
	default:
		return (uint64_t)getpid() << 32 | (uint64_t)getppid();
	}
}

static const char *path_of(const char *kind, int id)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/rsipc-svshm%s.%d", getenv("RSIPC_DIR"), kind, id);
	return path;
}

/* The file that tells of a new segment, and what is in it. */
static int make_segment(char good[256])
{
	int segment = shmget(IPC_PRIVATE, SIZE, 0600);
	MUST(segment != -1);
	int file = open(path_of("", segment), O_RDWR);
	MUST(file != -1 && pread(file, good, 256, 0) == 256);
	atomic_store(&notes->segment, segment);
	return file;
}

static void spoil(int file, char good[256], long seconds)
{
	for (long until = now_ms() + seconds * 1000; now_ms() < until;) {
		/* Some bytes say that it has been removed, and a list of all finishes that. */
		if (access(path_of("", atomic_load(&notes->segment)), F_OK) == -1) {
			close(file);
			file = make_segment(good);
		}
		if (draw() % 3 == 0)
			MUST(pwrite(file, good, 256, 0) == 256);
		off_t at = (off_t)(draw() % 256) & ~7;
		uint64_t word = 0;
		MUST(pread(file, &word, sizeof word, at) >= 0);
		word = spoilt(word);
		MUST(pwrite(file, &word, sizeof word, at) == sizeof word);
		atomic_fetch_add(&notes->overwritten, 1);
		if (draw() % 8 == 0)
			usleep(100);
		for (int i = 0; i < USERS; i++)
			MUST(now_ms() - atomic_load(&notes->since[i]) < HANG_MS);
	}
	close(file);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(file != -1 && write(file, bytes, size) == (ssize_t)size);
	close(file);
}

/* Any bytes in a file with such a name, beside a memory of one page. */
static void refuse_random_files(void)
{
	/* The magic number, the version and the family of one that is well. */
	uint64_t good[256 / sizeof(uint64_t)];
	close(make_segment((char *)good));
	MUST(shmctl(atomic_load(&notes->segment), IPC_RMID, NULL) == 0);
	unsigned long attached = 0;
	for (int i = 0; i < 400; i++) {
		int id = (1 << 20) + (int)(draw() % 100000000);
		struct shmid_ds status;
		static uint64_t bytes[512];
		for (size_t word = 0; word < 512; word++)
			bytes[word] = draw();
		if (i % 2) {
			/* With a good beginning, and a life. */
			memcpy(bytes, good, 2 * sizeof *good);
			bytes[2] = (uint32_t)id;
			uint64_t sizes[] = { PAGE, PAGE + 1, draw(), draw() >> draw() % 64 };
			bytes[4] = sizes[i / 2 % 4];
			bytes[6] = bytes[6] << 32 | 1;
			bytes[7] = 0;
		}
		write_file(path_of("", id), bytes, i % 4 == 0 ? draw() % sizeof bytes : sizeof bytes);
		write_file(path_of("-memory", id), bytes, PAGE);
		int before = (int)atomic_load(&notes->done);
		touch(id, draw() % 2 ? SHM_RDONLY : 0, PAGE);
		attached += (unsigned long)((int)atomic_load(&notes->done) - before);
		count(shmctl(id, IPC_STAT, &status));
		count(shmctl(id, IPC_RMID, NULL));
		unlink(path_of("", id));
		unlink(path_of("-memory", id));
	}
	/* Those that are segments after all: the test can fail. */
	MUST(attached > 20);
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	chance = (uint64_t)atol(argv[1]) * 0x9e3779b97f4a7c15 + 1;
	int shared = MAP_SHARED | MAP_ANONYMOUS;
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, shared, -1, 0);
	MUST(notes != MAP_FAILED);
	refuse_random_files();
	char good[256];
	int file = make_segment(good);
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
	spoil(file, good, atol(argv[2]));
	atomic_store(&notes->is_over, 1);
	for (int i = 0; i < USERS; i++) {
		int status;
		long until = now_ms() + HANG_MS;
		for (; waitpid(users[i], &status, WNOHANG) == 0; usleep(1000))
			MUST(now_ms() < until);
		MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	shmctl(notes->segment, IPC_RMID, NULL);
	printf("%lu words overwritten, %lu calls done, %lu refused\n",
	       atomic_load(&notes->overwritten), atomic_load(&notes->done),
	       atomic_load(&notes->refused));
	MUST(notes->done > 1000 && notes->overwritten > 100);
	return 0;
}
