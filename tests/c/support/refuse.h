/* A kernel that knows nothing of a system call, as an older one, or one behind a filter. */
#ifndef SUPPORT_REFUSE_H
#define SUPPORT_REFUSE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int refuse_by(struct sock_filter *code, size_t length)
{
	struct sock_fprog program = { (unsigned short)length, code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* From now on the call fails with this error, for this thread and those that it starts. -1:
 * there can be no filter. */
__attribute__((unused)) static int refuse_call(long number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	return refuse_by(code, sizeof code / sizeof code[0]);
}

/* From now on each of these calls kills the process. */
__attribute__((unused)) static int kill_for(unsigned one, unsigned two, unsigned three)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, one, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, two, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, three, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	return refuse_by(code, sizeof code / sizeof code[0]);
}

/* Threads are made by clone or clone3. */
__attribute__((unused)) static int kill_for_memory_and_threads(void)
{
	return kill_for(SYS_mmap, SYS_clone, SYS_clone3);
}

/* The calls by which a thread gives its processor away without a word to wait on. */
__attribute__((unused)) static int kill_for_pauses(void)
{
	return kill_for(SYS_sched_yield, SYS_nanosleep, SYS_clock_nanosleep);
}

/* From now on the call fails with this error if this argument has one of these bits. */
__attribute__((unused)) static int refuse_with(long number, size_t argument, unsigned bits,
					       int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (unsigned)(offsetof(struct seccomp_data, args) +
				    argument * sizeof(((struct seccomp_data *)0)->args[0]))),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	return refuse_by(code, sizeof code / sizeof code[0]);
}

/* openat(2) with one of these flags fails with this error. */
__attribute__((unused)) static int refuse_open_with(unsigned flags, int error)
{
	return refuse_with(SYS_openat, 2, flags, error);
}

/* The same of linkat(2). */
__attribute__((unused)) static int refuse_link_with(unsigned flags, int error)
{
	return refuse_with(SYS_linkat, 4, flags, error);
}

#endif
