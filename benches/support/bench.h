/* What the benchmarks share. Each program measures one thing for a fifth of a second, and prints
 * one line: nanoseconds for an operation, and the file that the measured function was loaded from.
 */
#ifndef BENCH_H
#define BENCH_H

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_MS = 200, BENCH_WARM_MS = 40, BENCH_ABSENT = 77 };

#define BENCH_NEED(condition)                                                        \
	do {                                                                         \
		if (!(condition)) {                                                  \
			perror(#condition);                                          \
			exit(1);                                                     \
		}                                                                    \
	} while (0)

static inline uint64_t bench_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Restricts the caller to some of the first two processors that it may use: bit 0 = first, bit 1 =
 * second. With 0 nothing is changed. */
static inline void bench_pin(unsigned which)
{
	static cpu_set_t allowed;
	if (CPU_COUNT(&allowed) == 0)
		BENCH_NEED(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
	if (which == 0)
		return;
	cpu_set_t set;
	CPU_ZERO(&set);
	unsigned bit = 1;
	for (int cpu = 0; cpu < CPU_SETSIZE && bit <= 2; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		if (which & bit)
			CPU_SET(cpu, &set);
		bit <<= 1;
	}
	if ((unsigned)CPU_COUNT(&set) < (unsigned)__builtin_popcount(which)) {
		fprintf(stderr, "one processor only\n");
		exit(BENCH_ABSENT);
	}
	BENCH_NEED(sched_setaffinity(0, sizeof set, &set) == 0);
}

/* Where two partners run: "one" processor, "two", or "free" to wander. */
struct bench_places {
	unsigned here, there;
};

static inline struct bench_places bench_places(const char *word)
{
	struct bench_places places = { 0, 0 };
	if (strcmp(word, "one") == 0)
		places.here = places.there = 1;
	else if (strcmp(word, "two") == 0)
		places.here = 1, places.there = 2;
	else
		BENCH_NEED(strcmp(word, "free") == 0);
	bench_pin(places.here | places.there);
	return places;
}

/* Zeroed memory that forked children share. */
static inline void *bench_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BENCH_NEED(memory != MAP_FAILED);
	return memory;
}

/* fork(); the child runs there and does not outlive its parent. */
static inline pid_t bench_fork(unsigned place)
{
	pid_t pid = fork();
	BENCH_NEED(pid != -1);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bench_pin(place);
	}
	return pid;
}

static inline void bench_end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* Calls `operation` again and again; nanoseconds for one, after a warm-up. The clock is looked at
 * once in `batch`. */
static inline double bench_loop(void (*operation)(void *), void *argument, unsigned batch)
{
	uint64_t start = 0, now, count = 0, warm = bench_now_ns() + BENCH_WARM_MS * 1000000ull;
	do {
		for (unsigned i = 0; i < batch; i++)
			operation(argument);
		now = bench_now_ns();
		if (start)
			count += batch;
		else if (now >= warm)
			start = now;
	} while (!start || now < start + BENCH_MS * 1000000ull);
	return (double)(now - start) / (double)count;
}

/* A counter that no other shares a cache line with. */
struct bench_counter {
	volatile uint64_t count;
} __attribute__((aligned(64)));

static inline uint64_t bench_sum(const struct bench_counter *counters, int n)
{
	uint64_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += counters[i].count;
	return sum;
}

/* Sleeps while others count; nanoseconds from one count to the next, all counters together. */
static inline double bench_watch(const struct bench_counter *counters, int n)
{
	usleep(BENCH_WARM_MS * 1000);
	uint64_t start = bench_now_ns(), before = bench_sum(counters, n);
	usleep(BENCH_MS * 1000);
	uint64_t counted = bench_sum(counters, n) - before;
	return (double)(bench_now_ns() - start) / (double)counted;
}

static inline int bench_report(double ns, const char *measured)
{
	Dl_info found;
	void *function = measured ? dlsym(RTLD_DEFAULT, measured) : NULL;
	int known = function && dladdr(function, &found) && found.dli_fname;
	return printf("%.2f %s\n", ns, known ? found.dli_fname : "-") < 0;
}

#endif
