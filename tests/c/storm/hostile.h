/* What the storms on System V objects with hostile bytes share: the processes that use an object,
 * numbers by chance, and the words that are written over its file. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

enum { USERS = 3, HANG_MS = 20000, MOMENT_US = 500 };

static struct {
	/* The object's id: it may be another one after a while. */
	atomic_int object, is_over;
	atomic_ulong done, refused, overwritten;
	/* When each user has begun its call. */
	atomic_long since[USERS];
} *notes;

static pid_t users[USERS];
static uint64_t chance;

static inline uint64_t draw(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

static inline int object(void)
{
	return atomic_load(&notes->object);
}

static inline void count(long result)
{
	atomic_fetch_add(result == -1 ? &notes->refused : &notes->done, 1);
}

static inline void begin(const char *seed)
{
	int shared = MAP_SHARED | MAP_ANONYMOUS;
	chance = (uint64_t)atol(seed) * 0x9e3779b97f4a7c15 + 1;
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, shared, -1, 0);
	MUST(notes != MAP_FAILED);
}

/* KIND is what comes between the prefix of all objects and the id. */
static inline const char *path_of(const char *kind, int id)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/rsipc-%s.%d", getenv("RSIPC_DIR"), kind, id);
	return path;
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(file != -1 && write(file, bytes, size) == (ssize_t)size);
	close(file);
}

static inline void wake(int signal)
{
	(void)signal;
}

/* Calls that sleep are ended by a timer. */
__attribute__((noreturn)) static inline void use(int user, void (*turn)(void))
{
	struct sigaction action = { .sa_handler = wake };
	struct itimerval moment = { { 0, MOMENT_US }, { 0, MOMENT_US } };
	chance = (uint64_t)getpid() << 20 | 1;
	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(setitimer(ITIMER_REAL, &moment, NULL) == 0);
	while (!atomic_load(&notes->is_over)) {
		atomic_store(&notes->since[user], now_ms());
		turn();
	}
	_exit(0);
}

/* Processes that make one call on the object after the other. */
static inline void begin_users(void (*turn)(void))
{
	for (int i = 0; i < USERS; i++) {
		atomic_store(&notes->since[i], now_ms());
		users[i] = fork();
		MUST(users[i] != -1);
		if (users[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			use(i, turn);
		}
	}
}

static inline void none_hangs(void)
{
	for (int i = 0; i < USERS; i++)
		MUST(now_ms() - atomic_load(&notes->since[i]) < HANG_MS);
}

/* No user has crashed, and each comes to its end. */
static inline void end_users(void)
{
	atomic_store(&notes->is_over, 1);
	for (int i = 0; i < USERS; i++) {
		int status;
		long until = now_ms() + HANG_MS;
		for (; waitpid(users[i], &status, WNOHANG) == 0; usleep(1000))
			MUST(now_ms() < until);
		MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	printf("%lu calls done, %lu refused, %lu words overwritten\n", notes->done, notes->refused,
	       notes->overwritten);
	MUST(notes->done > 100 && notes->overwritten > 100);
}

/* A word that might be one of the object's: near what is there, or an extreme. */
static inline uint64_t spoilt(uint64_t word)
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

static inline void overwrite(int file, off_t at)
{
	uint64_t word = 0;
	MUST(pread(file, &word, sizeof word, at) >= 0);
	word = spoilt(word);
	MUST(pwrite(file, &word, sizeof word, at) == sizeof word);
	atomic_fetch_add(&notes->overwritten, 1);
}

/* Overwrites the object's file: one of SHARE words in its first page, the others anywhere. The
 * beginning says which object it is. It is only looked at when the file is opened, so it mostly
 * stays. */
static inline void overwrite_object(const char *kind, unsigned share, long seconds)
{
	int file = open(path_of(kind, object()), O_RDWR);
	struct stat status;
	MUST(file != -1 && fstat(file, &status) == 0);
	for (long until = now_ms() + seconds * 1000; now_ms() < until; none_hangs()) {
		uint64_t end = draw() % share == 0 ? 4096 : (uint64_t)status.st_size;
		off_t at = (off_t)(draw() % end) & ~7;
		if (at >= 64 || draw() % 64 == 0)
			overwrite(file, at);
		if (draw() % 8 == 0)
			usleep(100);
	}
	close(file);
}

#endif
