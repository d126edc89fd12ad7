#define _GNU_SOURCE
#include "rsipc_cbits.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* The system call, without the detour by errno where that is known. Returns 0 or an errno, and
 * leaves the variable. */
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
	return result < 0 ? (int)-result : 0;
#else
	int before = errno;
	int error = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0;
	errno = before;
	return error;
#endif
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
	const long *a = sleep->arguments;
	/* A thread that is alone has nobody to cancel it. */
	int alone = rsipc_is_alone(), before;
	if (!alone)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
	int error = bare_call(sleep->number, a);
	if (!alone)
		pthread_setcanceltype(before, NULL);
	return error;
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
		answer = kind->woken(wait, bare_call(wait->sleep.number, wait->sleep.arguments));
	return answer;
}

int rsipc_return(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
