/* What stable Rust cannot say is said in C: variadic entries, and waits in which a thread may be cancelled.
 *
 * A cancelled thread unwinds its stack by force, and Rust must not be on it then. So C makes the sleeping system
 * call; Rust describes it, and decides what follows. Names with rsipc_ in front are not exported.
 */
#ifndef RSIPC_CBITS_H
#define RSIPC_CBITS_H

#include <semaphore.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* The layout must not depend on these, but the build should fail where they differ from what Rust assumes. */
_Static_assert(sizeof(long) == 8 && sizeof(sem_t) == 32, "64-bit Linux");

#pragma GCC visibility push(hidden)

/* This thread's block (shared/thread.rs); NULL until it is needed. */
struct rsipc_thread;
extern __thread struct rsipc_thread *rsipc_thread __attribute__((tls_model("initial-exec")));

/* What Rust answers when the thread has to sleep. Other answers: 0 = done, otherwise an errno. */
#define RSIPC_MUST_SLEEP (-1)

/* A sleeping system call. Filled in by Rust (os/futex.rs); points into itself, so it must not be moved. */
struct rsipc_sleep {
	long number;
	long arguments[6];
	struct timespec until;
	struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} waitv;
};

/* A wait that Rust drives. Every kind of wait starts with its sleep. */
struct rsipc_wait_kind {
	/* After a sleep that ended with this error, 0 = none. Answers as above. */
	int (*woken)(void *wait, int error);
	/* The thread is being cancelled. */
	void (*cancelled)(void *wait);
};

/* Sleeps until Rust is satisfied; a cancellation point. Returns 0 or an errno. */
int rsipc_sleep_until_woken(struct rsipc_sleep *wait, const struct rsipc_wait_kind *kind);

/* From the result of a core to what the caller of a C function gets: 0, or -1 with errno set. */
int rsipc_return(int error);

#pragma GCC visibility pop

#endif
