/* refuse ERRNO CALL[,CALL...] PROGRAM [ARGUMENT...]: runs the program where these system calls give
 * this errno, as an older kernel or a sandbox has it. refuse kill-above NUMBER PROGRAM ...: where
 * any later call kills, as the filters of systemd do. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MOST = 64 };

static struct sock_filter code[2 * MOST + 4];
static unsigned short length;

static void add(struct sock_filter instruction)
{
	code[length++] = instruction;
}

static void set_filter(void)
{
	struct sock_fprog program = { length, code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1) {
		perror("refuse: seccomp");
		exit(126);
	}
}

static void load_number(void)
{
	add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					 offsetof(struct seccomp_data, nr)));
}

static void answer_if(unsigned short comparison, unsigned number, unsigned answer)
{
	add((struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, number, 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

static void refuse(unsigned error, char *calls)
{
	unsigned count = 0;
	for (char *call = strtok(calls, ","); call && count < MOST;
	     call = strtok(NULL, ","), count++)
		answer_if(BPF_JEQ, (unsigned)atoi(call), SECCOMP_RET_ERRNO | error);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr,
			"usage: refuse ERRNO|kill-above CALL[,CALL...] PROGRAM [ARGUMENT...]\n");
		return 126;
	}
	load_number();
	if (strcmp(argv[1], "kill-above") == 0)
		answer_if(BPF_JGT, (unsigned)atoi(argv[2]), SECCOMP_RET_KILL_PROCESS);
	else
		refuse((unsigned)atoi(argv[1]), argv[2]);
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	set_filter();
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
