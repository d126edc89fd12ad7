/* A wait: it sleeps in the kernel, where the thread may be cancelled, until Rust is satisfied. */
#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The headers may be older than the kernel. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* How the system call of a guarded sleep has ended: what the kernel has returned, and where the
 * stack was if a handler seems to have run. */
struct rsipc_ended {
	long result;
	unsigned long struck;
};

#pragma GCC visibility push(hidden)
/* The distance of what rseq(2) has from the thread pointer; 0 = there is none. */
long rsipc_rseq_offset(void);
/* core/src/os/restartable/call.rs */
struct rsipc_ended rsipc_guarded_sleep(const struct rsipc_sleep *sleep, long rseq);
int rsipc_end_of_guarded(struct rsipc_sleep *sleep, struct rsipc_ended ended);
#pragma GCC visibility pop

/* Passed as the sixth argument, which futex_waitv does not have: see os/sleep.rs. */
#define NEVER_RESTARTED 1

static inline int is_never_restarted(const struct rsipc_sleep *sleep)
{
	return sleep->number == SYS_futex_waitv && sleep->arguments[5] == NEVER_RESTARTED;
}

/* The system call, without going through errno where that is possible. Returns how it ended, as
 * `woken` of rsipc_wait_kind takes it, and leaves the variable. */
static inline int bare_call(long number, const long *a)
{
#ifdef __x86_64__
	register long fourth __asm__("r10") = a[3];
	register long fifth __asm__("r8") = a[4];
	register long sixth __asm__("r9") = a[5];
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth),
			   "r"(sixth)
			 : "rcx", "r11", "memory");
	return (int)-result;
#else
	int before = errno;
	long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	int end = result < 0 ? errno : (int)-result;
	errno = before;
	return end;
#endif
}

/* Whether the call needs the assembly of core/src/os/restartable/call.rs. */
static inline int is_guarded(const struct rsipc_sleep *sleep)
{
#ifdef __x86_64__
	return sleep->mask || is_never_restarted(sleep);
#else
	(void)sleep;
	return 0;
#endif
}

static inline struct rsipc_ended make_call(const struct rsipc_sleep *sleep)
{
	if (is_guarded(sleep))
		return rsipc_guarded_sleep(sleep, rsipc_rseq_offset());
	return (struct rsipc_ended){ bare_call(sleep->number, sleep->arguments), 0 };
}

/* How it has ended, as `woken` of rsipc_wait_kind takes it. */
static inline int end_of(struct rsipc_sleep *sleep, struct rsipc_ended ended)
{
	return is_guarded(sleep) ? rsipc_end_of_guarded(sleep, ended) : (int)ended.result;
}

/* What a clean-up needs to know. */
struct occasion {
	struct rsipc_wait *wait;
	const struct rsipc_wait_kind *kind;
};

/* The thread may end at any instruction between the two calls, so this is a function of its own:
 * for its caller, which has a clean-up to run, that happens within a call. */
__attribute__((noinline)) static struct rsipc_ended
sleep_cancellable(const struct rsipc_sleep *sleep)
{
	/* A thread that is alone cannot be cancelled. */
	int alone = rsipc_is_alone(), before;
	if (!alone)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
	struct rsipc_ended ended = make_call(sleep);
	if (!alone)
		pthread_setcanceltype(before, NULL);
	return ended;
}

static void cancelled(void *argument)
{
	const struct occasion *occasion = argument;
	occasion->kind->cancelled(occasion->wait);
}

static int wait_cancellable(struct rsipc_wait *wait, const struct rsipc_wait_kind *kind)
{
	int answer;
	struct occasion occasion = { wait, kind };
	pthread_cleanup_push(cancelled, &occasion);
	do
		answer = kind->woken(wait, end_of(&wait->sleep, sleep_cancellable(&wait->sleep)));
	while (answer == RSIPC_MUST_SLEEP);
	pthread_cleanup_pop(0);
	return answer;
}

int rsipc_wait_on(struct rsipc_wait *wait, const struct rsipc_wait_kind *kind, int answer)
{
	if (answer == RSIPC_MUST_SLEEP && kind->is_cancellation_point)
		return wait_cancellable(wait, kind);
	while (answer == RSIPC_MUST_SLEEP)
		answer = kind->woken(wait, end_of(&wait->sleep, make_call(&wait->sleep)));
	return answer;
}

int rsipc_return(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
