/* A wait: it sleeps in the kernel, where the thread may be cancelled, until Rust is satisfied. */
#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The headers may be older than the kernel. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#pragma GCC visibility push(hidden)
/* The distance of what rseq(2) has from the thread pointer; 0 = there is none. */
long rsipc_rseq_offset(void);
#pragma GCC visibility pop

/* Passed as the sixth argument, which futex_waitv does not have: see os/futex.rs. */
#define NEVER_RESTARTED 1

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

#ifdef __x86_64__
/* Bytes below the stack pointer that belong to the function (the red zone); what the kernel stores
 * for a handler is below them. */
#define RED_ZONE 128
/* Words there that are marked: fewer than the kernel stores, and than the calls that have led here
 * have used. */
#define MARKS 64
#define MARK 0x7273697063736c70L

/* The same call, which is not restarted after a signal handler: core/src/os/restartable/call.rs
 * tells how. The sequence ends within this function, so a thread that is cancelled in it can be
 * unwound. `touched`: words that have been overwritten below the stack, as by a handler. Returns
 * what the kernel does; -EINTR also instead of a restart without a handler. */
static long call_once(long offset, long number, const long *a, long *touched)
{
	long result;
	do {
		register long fourth __asm__("r10") = a[3];
		register long fifth __asm__("r8") = a[4];
		register long sixth __asm__("r9") = a[5];
		/* Where the call came from: 0 = it has not begun. */
		register unsigned long came_from __asm__("rcx") = 0;
		long scratch, mark = MARK;
		result = number;
		__asm__ volatile(".pushsection .data.rel.ro, \"aw\", @progbits\n"
				 ".balign 32\n"
				 "20: .long 0, 0\n"
				 ".quad 22f, 23f - 22f, 24f\n"
				 ".popsection\n"
				 "mov %[marks], %%r11d\n"
				 "10: mov %[mark], -%c[zone](%%rsp, %%r11, 8)\n"
				 "dec %%r11\n"
				 "jnz 10b\n"
				 "lea 20b(%%rip), %[scratch]\n"
				 "mov %[scratch], %%fs:8(%[offset])\n"
				 "22: syscall\n"
				 "23: jmp 25f\n"
				 ".byte 0x0f, 0xb9, 0x3d\n"
				 ".long 0x53053053\n"
				 "24: mov %[eintr], %%rax\n"
				 "25: xor %[scratch], %[scratch]\n"
				 "mov %[marks], %%r11d\n"
				 "11: cmp %[mark], -%c[zone](%%rsp, %%r11, 8)\n"
				 "je 12f\n"
				 "inc %[scratch]\n"
				 "12: dec %%r11\n"
				 "jnz 11b\n"
				 : "+a"(result), "+r"(came_from), [scratch] "=&r"(scratch)
				 : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(fourth), "r"(fifth),
				   "r"(sixth), [offset] "r"(offset), [mark] "r"(mark),
				   [marks] "i"(MARKS), [zone] "i"(RED_ZONE + 8 * (MARKS + 1)),
				   [eintr] "i"(-EINTR)
				 : "r11", "memory", "cc");
		*touched = scratch;
		if (came_from != 0 || scratch != 0)
			break;
	} while (1);
	return result;
}

/* A handler ends it; a stop and a continuation of the process do not. If a handler may have run on
 * a stack of its own, it is assumed that it has. */
static int interruptible_call(long number, const long *a)
{
	long offset = rsipc_rseq_offset(), touched, result;
	stack_t other;
	do {
		result = call_once(offset, number, a, &touched);
	} while (result == -EINTR && touched == 0 &&
		 sigaltstack(NULL, &other) == 0 && (other.ss_flags & SS_DISABLE));
	return (int)-result;
}
#else
static int interruptible_call(long number, const long *a)
{
	(void)number, (void)a;
	return ENOSYS;
}
#endif

static inline int make_call(const struct rsipc_sleep *sleep)
{
	const long *a = sleep->arguments;
	if (sleep->number == SYS_futex_waitv && a[5] == NEVER_RESTARTED)
		return interruptible_call(sleep->number, a);
	return bare_call(sleep->number, a);
}

/* What a clean-up needs to know. */
struct occasion {
	struct rsipc_wait *wait;
	const struct rsipc_wait_kind *kind;
};

/* The thread may end at any instruction between the two calls, so this is a function of its own:
 * for its caller, which has a clean-up to run, that happens within a call. */
__attribute__((noinline)) static int sleep_cancellable(const struct rsipc_sleep *sleep)
{
	/* A thread that is alone cannot be cancelled. */
	int alone = rsipc_is_alone(), before;
	if (!alone)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
	int end = make_call(sleep);
	if (!alone)
		pthread_setcanceltype(before, NULL);
	return end;
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
		answer = kind->woken(wait, sleep_cancellable(&wait->sleep));
	while (answer == RSIPC_MUST_SLEEP);
	pthread_cleanup_pop(0);
	return answer;
}

int rsipc_wait_on(struct rsipc_wait *wait, const struct rsipc_wait_kind *kind, int answer)
{
	if (answer == RSIPC_MUST_SLEEP && kind->is_cancellation_point)
		return wait_cancellable(wait, kind);
	while (answer == RSIPC_MUST_SLEEP)
		answer = kind->woken(wait, make_call(&wait->sleep));
	return answer;
}

int rsipc_return(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
