/* Code that must make no system call: under a seccomp filter the first one ends it, and says which
 * it was. */
#ifndef SUPPORT_QUIET_H
#define SUPPORT_QUIET_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	QUIET = -1,        /* no system call */
	QUIET_REFUSED = -2 /* no filter can be set here */
};

static volatile long *quiet_first;

static void quiet_note(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	*quiet_first = info->si_syscall;
	syscall(SYS_exit_group, 1);
}

static int quiet_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = { sizeof code / sizeof code[0], code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Runs `prepare`, and then `body` without system calls, in a child. The number of the first call
 * that `body` made, or one of the two above. */
static inline long quiet_first_call(void (*prepare)(void), void (*body)(void))
{
	quiet_first = mmap(NULL, sizeof *quiet_first, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (quiet_first == MAP_FAILED)
		return QUIET_REFUSED;
	*quiet_first = QUIET_REFUSED;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct sigaction action = { .sa_sigaction = quiet_note, .sa_flags = SA_SIGINFO };
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prepare();
		if (sigaction(SIGSYS, &action, NULL) == -1 || quiet_filter() == -1)
			_exit(1);
		body();
		*quiet_first = QUIET;
		syscall(SYS_exit_group, 0);
	}
	int status;
	if (child == -1 || waitpid(child, &status, 0) != child)
		return QUIET_REFUSED;
	long first = *quiet_first;
	munmap((void *)quiet_first, sizeof *quiet_first);
	if (!WIFEXITED(status)) {
		fprintf(stderr, "the quiet code was ended by signal %d\n", WTERMSIG(status));
		exit(1);
	}
	return first;
}

#endif
