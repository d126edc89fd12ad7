/* sysv_msg_hostile SEED SECONDS: processes use a System V queue in every way, while another one
 * writes random bytes to its file. Exit status 0: no process crashed, and each call came to an end:
 * with an errno, or done. And a file of random bytes that has the name of a queue is no queue.
 *
 * RSIPC_DIR must be a directory of our own. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

enum { USERS = 3, HANG_MS = 20000, BODY = 8192, MOMENT_US = 500, HEAD = 40 };

struct message {
	long type;
	unsigned char body[BODY];
};

static struct {
	atomic_int is_over;
	atomic_ulong done, refused, overwritten;
	atomic_long since[USERS];
} * notes;

static int queue;
static uint64_t chance;

static uint64_t draw(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

static void count(long result)
{
	atomic_fetch_add(result == -1 ? &notes->refused : &notes->done, 1);
}

/* Calls that sleep are ended by the timer of the process. */
static void turn(void)
{
	static struct message message;
	struct msqid_ds status;
	int flags = draw() % 2 ? IPC_NOWAIT : 0;
	size_t size = draw() % (draw() % 4 ? 200 : BODY + 1);
	switch (draw() % 12) {
	case 0:
		return count(msgctl(queue, IPC_STAT, &status));
	case 1:
		if (msgctl(queue, IPC_STAT, &status) == -1)
			return count(-1);
		status.msg_qbytes = draw() % 20000;
		return count(msgctl(queue, IPC_SET, &status));
	case 2:
		return count(msgrcv(queue, &message, BODY, (long)(draw() % 20),
				    MSG_COPY | IPC_NOWAIT));
	case 3:
		return count(msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&message));
	case 4 ... 7:
		message.type = 1 + (long)(draw() % 4);
		return count(msgsnd(queue, &message, size, flags));
	default:
		flags |= draw() % 2 ? MSG_NOERROR : MSG_EXCEPT;
		return count(msgrcv(queue, &message, size, (long)(draw() % 9) - 4, flags));
	}
}

static void wake(int signal)
{
	(void)signal;
}

__attribute__((noreturn)) static void use(int user)
{
	struct sigaction action = { .sa_handler = wake };
	struct itimerval moment = { { 0, MOMENT_US }, { 0, MOMENT_US } };
	chance = (uint64_t)getpid() << 20 | 1;
	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(setitimer(ITIMER_REAL, &moment, NULL) == 0);
	while (!atomic_load(&notes->is_over)) {
		atomic_store(&notes->since[user], now_ms());
		turn();
	}
	_exit(0);
}

/* A word that might be one of the queue's: near what is there, or an extreme. */
static uint64_t spoilt(uint64_t word)
{
	switch (draw() % 8) {
	case 0:
		return draw();
	case 1:
		return 0;
	case 2:
		return UINT64_MAX;
	case 3:
		return word ^ 1ULL << draw() % 64;
	case 4:
		return word + 0x100;
	case 5:
		return (uint64_t)getpid() << 32 | (uint64_t)getppid();
	case 6:
		return word << 32 | word >> 32;
	default:
		return draw() % 64 << draw() % 64;
	}
}

static void overwrite(int file, off_t size)
{
	off_t at = (off_t)(draw() % 2 == 0 ? draw() % 4096 : draw() % (uint64_t)size) & ~7;
	uint64_t word = 0;
	/* What says which queue it is stays: that is looked at when it is opened. */
	if (at < 64 && draw() % 64 != 0)
		return;
	MUST(pread(file, &word, sizeof word, at) >= 0);
	word = spoilt(word);
	MUST(pwrite(file, &word, sizeof word, at) == sizeof word);
	atomic_fetch_add(&notes->overwritten, 1);
}

/* The path of the queue's file up to its number: NAME.ID. */
static const char *prefix(void)
{
	static char path[512], end[32];
	if (path[0])
		return path;
	int length = snprintf(end, sizeof end, ".%d", queue);
	DIR *directory = opendir(getenv("RSIPC_DIR"));
	MUST(directory);
	for (struct dirent *entry; !path[0] && (entry = readdir(directory));) {
		int before = (int)strlen(entry->d_name) - length;
		if (before > 0 && strcmp(entry->d_name + before, end) == 0)
			snprintf(path, sizeof path, "%s/%.*s", getenv("RSIPC_DIR"), before,
				 entry->d_name);
	}
	closedir(directory);
	MUST(path[0]);
	return path;
}

static const char *path_of(int id)
{
	static char path[600];
	snprintf(path, sizeof path, "%s.%d", prefix(), id);
	return path;
}

static void spoil(long seconds)
{
	int file = open(path_of(queue), O_RDWR);
	struct stat status;
	MUST(file != -1 && fstat(file, &status) == 0);
	for (long until = now_ms() + seconds * 1000; now_ms() < until;) {
		overwrite(file, status.st_size);
		if (draw() % 8 == 0)
			usleep(100);
		for (int i = 0; i < USERS; i++)
			MUST(now_ms() - atomic_load(&notes->since[i]) < HANG_MS);
	}
	close(file);
}

/* Any bytes in a file with such a name, with the beginning of a good one or without. */
static void refuse_random_files(void)
{
	static uint64_t bytes[8192];
	unsigned char head[HEAD];
	int good = open(path_of(queue), O_RDONLY);
	MUST(good != -1 && read(good, head, sizeof head) == sizeof head);
	close(good);
	for (int i = 0; i < 200; i++) {
		int id = (1 << 20) + (int)(draw() % 100000000);
		int file = open(path_of(id), O_RDWR | O_CREAT | O_TRUNC, 0600);
		MUST(file != -1);
		for (size_t word = 0; word < 8192; word++)
			bytes[word] = draw();
		if (i % 2)
			memcpy(bytes, head, sizeof head);
		MUST(write(file, bytes, draw() % sizeof bytes) >= 0);
		close(file);
		struct message message = { .type = 1 };
		count(msgsnd(id, &message, 10, IPC_NOWAIT));
		count(msgrcv(id, &message, BODY, 0, IPC_NOWAIT));
		count(msgctl(id, IPC_STAT, (struct msqid_ds *)(void *)&message));
		count(msgctl(id, IPC_RMID, NULL));
		unlink(path_of(id));
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	chance = (uint64_t)atol(argv[1]) * 0x9e3779b97f4a7c15 + 1;
	int shared = MAP_SHARED | MAP_ANONYMOUS;
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, shared, -1, 0);
	MUST(notes != MAP_FAILED);
	queue = msgget(IPC_PRIVATE, 0600);
	MUST(queue != -1);
	refuse_random_files();
	pid_t users[USERS];
	for (int i = 0; i < USERS; i++) {
		atomic_store(&notes->since[i], now_ms());
		users[i] = fork();
		MUST(users[i] != -1);
		if (users[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			use(i);
		}
	}
	spoil(atol(argv[2]));
	atomic_store(&notes->is_over, 1);
	for (int i = 0; i < USERS; i++) {
		int status;
		long until = now_ms() + HANG_MS;
		for (; waitpid(users[i], &status, WNOHANG) == 0; usleep(1000))
			MUST(now_ms() < until);
		MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	printf("%lu done, %lu refused, %lu words overwritten\n", notes->done, notes->refused,
	       notes->overwritten);
	MUST(notes->done > 100 && notes->overwritten > 100);
	return 0;
}
