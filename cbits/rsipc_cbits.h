/* What stable Rust cannot say is said in C: variadic entries, and waits in which a thread may be
 * cancelled.
 *
 * A cancelled thread unwinds its stack by force, and Rust must not be on it then. So C makes the
 * sleeping system call; Rust describes it, and decides what follows. Names with rsipc_ in front are
 * not exported. */
#ifndef RSIPC_CBITS_H
#define RSIPC_CBITS_H

#include <semaphore.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

/* The layout must not depend on these, but the build should fail where they differ from what Rust
 * assumes. */
_Static_assert(sizeof(long) == 8 && sizeof(sem_t) == 32, "64-bit Linux");

#pragma GCC visibility push(hidden)

/* Exported functions jump to these with the arguments that they were given (src/entry.rs), so they
 * have the types of the functions in the system's headers. */
#define RSIPC_AS_DECLARED(name)                                                           \
	_Static_assert(__builtin_types_compatible_p(__typeof__(rsipc_c_##name),           \
						    __typeof__(name)),                    \
		       "rsipc_c_" #name " has another type than " #name)

/* The block of this thread (core/src/shared/thread); NULL until it is needed. */
struct rsipc_thread;
extern __thread struct rsipc_thread *rsipc_thread __attribute__((tls_model("initial-exec")));

/* Whether this thread is known to be the only one, so that it cannot be cancelled. */
static inline int rsipc_is_alone(void)
{
#if __has_include(<sys/single_threaded.h>)
	return __libc_single_threaded;
#else
	/* Before glibc 2.32 that is not known. */
	return 0;
#endif
}

int rsipc_is_program_alone(void);

/* The same after the other threads have ended, too, which the C library does not say. Makes system
 * calls. Threads of the library's own do not count. */
static inline int rsipc_has_become_alone(void)
{
	return rsipc_is_alone() || rsipc_is_program_alone();
}

/* The structures and constants from here on are those of core/src/cbits.rs, which says what they
 * mean; tests/abi compares the two. */

/* What Rust answers when the thread has to sleep. Other answers: 0 = done, otherwise an errno. */
#define RSIPC_MUST_SLEEP 4096

struct rsipc_waitv {
	uint64_t value, address;
	uint32_t flags, reserved;
};

/* A sleeping system call. Filled in by Rust (os/sleep.rs); points into itself, so it must not be
 * moved. */
struct rsipc_sleep {
	long number;
	long arguments[6];
	struct timespec until;
	struct rsipc_waitv waitv[2];
	/* Signals are held back until the system call, and then this mask is set; NULL: they are
	 * not. */
	const uint64_t *mask;
	/* Whether a handler with SA_RESTART lets it go on. */
	int may_restart;
	/* Whether a handler has run that ends the wait, though the sleep may have ended
	 * otherwise. */
	int struck;
};

/* How a sleep has ended that has not begun, as the thread lost its processor just before. */
#define RSIPC_NOT_BEGUN 4097

/* Storage for a wait of any kind but the following; Rust asserts that each kind fits. */
struct rsipc_wait {
	struct rsipc_sleep sleep;
	long rest[44];
};

/* The same for waits on POSIX queues, which may sleep on many words. */
struct rsipc_mq_wait {
	struct rsipc_wait wait;
	long words[96];
};

/* A message of a batch: as in include/rsipc.h. */
struct rsipc_mq_message {
	void *body;
	size_t length;
	unsigned priority;
};

/* For rsipc_mq_loan: as in include/rsipc.h. */
#define RSIPC_MQ_LOAN_ALL 1u

/* What rsipc_mq_try_hold is to do. */
enum { RSIPC_LOAN, RSIPC_BORROW };

/* What a call of mq_send was given. In memory, because it outlasts the cancellation point, and most
 * of it is used once. */
struct rsipc_mq_send {
	const void *body;
	size_t length;
	unsigned priority;
	int queue;
};

/* The same of mq_receive. */
struct rsipc_mq_receive {
	void *body;
	size_t capacity;
	unsigned *priority;
	int queue;
};

/* What Rust does with waits of one kind. */
struct rsipc_wait_kind {
	/* After a sleep that ended so: an errno, or minus the index of the word that was woken.
	 * Answers as above. Unless it must sleep again it is over. */
	int (*woken)(struct rsipc_wait *wait, int end);
	/* The thread is being cancelled: it is over. */
	void (*cancelled)(struct rsipc_wait *wait);
	/* Whether the thread can be cancelled in its sleep. */
	int is_cancellation_point;
};

/* What a thread waits for that notifies; opaque here. */
struct rsipc_duty {
	uint64_t words[5];
};

/* What a call that closes a descriptor has to remember. */
struct rsipc_closing {
	void *open;
	uint64_t fifo[2];
	int fd, kind;
};

/* What a call has to remember that puts another file under the number of one of our descriptors. */
struct rsipc_moved {
	uint32_t kept, count;
	int64_t locks[8][2];
};

enum { RSIPC_CLOSE_FREELY, RSIPC_CLOSE_SPARE, RSIPC_CLOSE_QUEUE, RSIPC_CLOSE_UNKNOWN };

/* What Rust answers when the descriptor does not belong to a queue after all. Other answers: the
 * call's own, or an errno with a minus in front. */
#define RSIPC_NOT_A_QUEUE (-4096)

/* Reasons for which a call that polls does not sleep: bits. */
enum { RSIPC_EXPECTED = 1, RSIPC_STRUCK = 2 };

/* Goes on with a wait that has answered so: sleeps, until Rust is satisfied. Returns 0 or
 * an errno. */
int rsipc_wait_on(struct rsipc_wait *wait, const struct rsipc_wait_kind *kind, int answer);

/* From the result of a core to what the caller of a C function gets: 0, or -1 with errno set. */
int rsipc_return(int error);

#pragma GCC visibility pop

#endif
