/* C's functions that the library calls by names which ISO C leaves to the program. A program may
 * have a function or a variable of its own that is called `link`, `open` or `time`; the loader
 * would give us that one. The C library never calls its functions by these names, so neither may
 * we: build.rs has the linker put these functions in their place, in the shared library.
 *
 * Each does what the C library's function does for us. None is a cancellation point, as nothing
 * here is called where a thread may be cancelled. */
#define _GNU_SOURCE
#include "real.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Bytes of the kernel's sigset_t, which is shorter than the C library's. */
#define SIGSET_SIZE (_NSIG / 8)

/* What the C library also has under a name that no program may use. */
extern int __clone(int (*run)(void *), void *stack, int flags, void *argument, ...);
extern unsigned long __getauxval(unsigned long type);
extern long __sysconf(int name);

#pragma GCC visibility push(hidden)

/* The instruction itself. */
static long call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined __x86_64__
	long result;
	register long fourth __asm__("r10") = d, fifth __asm__("r8") = e, sixth __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
#elif defined __aarch64__
	register long result __asm__("x0") = a, second __asm__("x1") = b, third __asm__("x2") = c;
	register long fourth __asm__("x3") = d, fifth __asm__("x4") = e, sixth __asm__("x5") = f;
	register long which __asm__("x8") = number;
	__asm__ volatile("svc 0"
			 : "+r"(result)
			 : "r"(which), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "memory");
#else
	extern long __real_syscall(long number, ...);
	return __real_syscall(number, a, b, c, d, e, f);
#endif
	if ((unsigned long)result <= -4096UL)
		return result;
	errno = (int)-result;
	return -1;
}

/* As syscall(2): a call takes no more than it knows, whatever stands in the other places. */
long __wrap_syscall(long number, ...)
{
	va_list list;
	va_start(list, number);
	long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
	long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
	va_end(list);
	return call(number, a, b, c, d, e, f);
}

#define CALL_0(number) call(number, 0, 0, 0, 0, 0, 0)
#define CALL_2(number, a, b) call(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL_3(number, a, b, c) call(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL_4(number, a, b, c, d) call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Files. */

int __wrap_open64(const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	int makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
	unsigned mode = makes ? va_arg(list, unsigned) : 0;
	va_end(list);
	return (int)CALL_4(SYS_openat, AT_FDCWD, path, flags, mode);
}

int __wrap_open(const char *path, int flags, ...) __attribute__((alias("__wrap_open64")));

int __wrap_linkat(int from, const char *path, int to, const char *name, int flags)
{
	return (int)call(SYS_linkat, from, (long)path, to, (long)name, flags, 0);
}

int __wrap_link(const char *path, const char *name)
{
	return __wrap_linkat(AT_FDCWD, path, AT_FDCWD, name, 0);
}

int __wrap_unlink(const char *path)
{
	return (int)CALL_3(SYS_unlinkat, AT_FDCWD, path, 0);
}

int __wrap_mkfifo(const char *path, mode_t mode)
{
	return (int)CALL_4(SYS_mknodat, AT_FDCWD, path, mode | S_IFIFO, 0);
}

int __wrap_flock(int fd, int operation)
{
	return (int)CALL_2(SYS_flock, fd, operation);
}

int __wrap_fallocate(int fd, int mode, off_t start, off_t length)
{
	return (int)CALL_4(SYS_fallocate, fd, mode, start, length);
}

int __wrap_ftruncate64(int fd, off_t length)
{
	return (int)CALL_2(SYS_ftruncate, fd, length);
}

int __wrap_stat64(const char *path, struct stat *status)
{
	return (int)CALL_4(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

ssize_t __wrap_readlink(const char *path, char *target, size_t room)
{
	return CALL_4(SYS_readlinkat, AT_FDCWD, path, target, room);
}

/* The numbers of blocks and their size. */
int __wrap_fstatvfs(int fd, struct statvfs *status)
{
	struct statfs found;
	if (CALL_2(SYS_fstatfs, fd, &found))
		return -1;
	*status = (struct statvfs){
		.f_bsize = (unsigned long)found.f_bsize,
		.f_frsize = (unsigned long)(found.f_frsize ? found.f_frsize : found.f_bsize),
		.f_blocks = found.f_blocks,
		.f_bfree = found.f_bfree,
		.f_bavail = found.f_bavail,
	};
	return 0;
}

/* A directory that is being read: the kernel's entries are the C library's `struct dirent64`. */
struct directory {
	int fd;
	long length, position;
	_Alignas(struct dirent64) char entries[8192];
};

void *__wrap_opendir(const char *path)
{
	int fd = __wrap_open64(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return NULL;
	struct directory *made = malloc(sizeof *made);
	if (!made) {
		CALL_2(SYS_close, fd, 0);
		errno = ENOMEM;
		return NULL;
	}
	made->fd = fd;
	made->length = made->position = 0;
	return made;
}

struct dirent64 *__wrap_readdir64(void *of)
{
	struct directory *in = of;
	if (in->position >= in->length) {
		in->position = 0;
		in->length = CALL_3(SYS_getdents64, in->fd, in->entries, sizeof in->entries);
		if (in->length <= 0)
			return NULL;
	}
	struct dirent64 *entry = (struct dirent64 *)(in->entries + in->position);
	in->position += entry->d_reclen;
	return entry;
}

int __wrap_dirfd(void *of)
{
	return ((struct directory *)of)->fd;
}

int __wrap_closedir(void *of)
{
	int result = (int)CALL_2(SYS_close, __wrap_dirfd(of), 0), error = errno;
	free(of);
	errno = error;
	return result;
}

/* The process and its threads. */

pid_t __wrap_getpid(void)
{
	return (pid_t)CALL_0(SYS_getpid);
}

pid_t __wrap_gettid(void)
{
	return (pid_t)CALL_0(SYS_gettid);
}

uid_t __wrap_getuid(void)
{
	return (uid_t)CALL_0(SYS_getuid);
}

uid_t __wrap_geteuid(void)
{
	return (uid_t)CALL_0(SYS_geteuid);
}

int __wrap_getrlimit(int which, struct rlimit *limit)
{
	return (int)CALL_4(SYS_prlimit64, 0, which, NULL, limit);
}

int __wrap_setrlimit(int which, const struct rlimit *limit)
{
	return (int)CALL_4(SYS_prlimit64, 0, which, limit, NULL);
}

int __wrap_prctl(int option, ...)
{
	va_list list;
	va_start(list, option);
	long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
	long d = va_arg(list, long);
	va_end(list);
	return (int)call(SYS_prctl, option, a, b, c, d, 0);
}

int __wrap_clone(int (*run)(void *), void *stack, int flags, void *argument)
{
	return __clone(run, stack, flags, argument);
}

int __wrap_sched_yield(void)
{
	return (int)CALL_0(SYS_sched_yield);
}

unsigned long __wrap_getauxval(unsigned long type)
{
	return __getauxval(type);
}

long __wrap_sysconf(int name)
{
	return __sysconf(name);
}

ssize_t __wrap_getrandom(void *into, size_t length, unsigned flags)
{
	return CALL_3(SYS_getrandom, into, length, flags);
}

/* Memory. */

int __wrap_madvise(void *start, size_t length, int advice)
{
	return (int)CALL_3(SYS_madvise, start, length, advice);
}

int __wrap_msync(void *start, size_t length, int flags)
{
	return (int)CALL_3(SYS_msync, start, length, flags);
}

size_t __wrap_strnlen(const char *text, size_t most)
{
	const char *end = memchr(text, 0, most);
	return end ? (size_t)(end - text) : most;
}

/* Clocks and the processor: the C library's functions make no system call. */

int __wrap_sched_getcpu(void)
{
	return RSIPC_REAL(sched_getcpu)();
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	return RSIPC_REAL(clock_gettime)(clock, now);
}

time_t __wrap_time(time_t *copy)
{
	return RSIPC_REAL(time)(copy);
}

/* Signals. */

#define BITS (8 * sizeof(unsigned long))
#define BIT_OF(signal) (1UL << (unsigned)(signal - 1) % BITS)

int __wrap_sigemptyset(sigset_t *set)
{
	memset(set, 0, sizeof *set);
	return 0;
}

int __wrap_sigaddset(sigset_t *set, int signal)
{
	set->__val[(unsigned)(signal - 1) / BITS] |= BIT_OF(signal);
	return 0;
}

int __wrap_sigismember(const sigset_t *set, int signal)
{
	return (set->__val[(unsigned)(signal - 1) / BITS] & BIT_OF(signal)) != 0;
}

int __wrap_sigpending(sigset_t *set)
{
	return (int)CALL_2(SYS_rt_sigpending, set, SIGSET_SIZE);
}

int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *information, const struct timespec *span)
{
	return (int)CALL_4(SYS_rt_sigtimedwait, set, information, span, SIGSET_SIZE);
}

#pragma GCC visibility pop
