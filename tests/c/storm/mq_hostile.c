/* mq_hostile DEPTH SEED SECONDS: processes send to a queue, receive from it and poll it, while
 * others write random words at random places of its file, and random bytes to its FIFO, or take
 * what is in there. Exit status 0: no process crashed or hung, and each call gave a result or an
 * errno.
 *
 * RSIPC_DIR must be a directory of our own. */
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "storm.h"

enum {
	WORKERS = 6,
	SIZE = 200,
	/* A call that is to give up after a few milliseconds. */
	HANG_MS = 10000,
	/* The name and the sizes are at the start of the file, and are not looked at any more. */
	IDENTITY = 320,
	START = 8192,
	/* Between two orders to begin anew. */
	PERIOD_MS = 50,
};

static struct {
	atomic_int stop, turn;
	atomic_ulong beats[WORKERS], sent, received, refused;
} *notes;

static char name[64], place[512];
static pid_t workers[WORKERS];

static struct timespec in_a_moment(void)
{
	struct timespec when;
	clock_gettime(CLOCK_REALTIME, &when);
	when.tv_nsec += 2000000;
	if (when.tv_nsec >= 1000000000) {
		when.tv_nsec -= 1000000000;
		when.tv_sec++;
	}
	return when;
}

static void send_some(mqd_t queue)
{
	static const char body[SIZE];
	struct timespec soon = in_a_moment();
	if (mq_timedsend(queue, body, (size_t)rand() % SIZE, (unsigned)rand() % 32768, &soon) == 0)
		atomic_fetch_add(&notes->sent, 1);
	else
		atomic_fetch_add(&notes->refused, 1);
}

static void receive_some(mqd_t queue)
{
	char got[SIZE];
	unsigned priority = 0;
	struct timespec soon = in_a_moment();
	ssize_t length = mq_timedreceive(queue, got, sizeof got, &priority, &soon);
	MUST(length <= SIZE && priority < 32768);
	if (length >= 0)
		atomic_fetch_add(&notes->received, 1);
	else
		atomic_fetch_add(&notes->refused, 1);
}

static void look_at(mqd_t queue)
{
	struct pollfd fd = { queue, POLLIN | POLLOUT, 0 };
	struct mq_attr attr;
	MUST(poll(&fd, 1, rand() % 2) >= 0);
	if (mq_getattr(queue, &attr) == 0)
		MUST(attr.mq_curmsgs >= 0 && attr.mq_curmsgs <= attr.mq_maxmsg);
	if (rand() % 64 == 0)
		mq_notify(queue,
			  rand() % 2 ? NULL : &(struct sigevent){ .sigev_notify = SIGEV_NONE });
}

static void meddle_with_fifo(mqd_t queue)
{
	/* Opened anew: an open description of its own. */
	char path[64], some[5000] = "";
	snprintf(path, sizeof path, "/proc/self/fd/%d", (int)queue);
	int fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	MUST(fifo != -1);
	/* Past the library, to which it is a queue. */
	ssize_t done = rand() % 2 ? syscall(SYS_read, fifo, some, 3)
				  : syscall(SYS_write, fifo, some, (size_t)(1 + rand() % 4999));
	MUST(done >= 0 || errno == EAGAIN);
	close(fifo);
}

__attribute__((noreturn)) static void work(int worker, mqd_t inherited)
{
	mqd_t queue = inherited;
	int turn = 0;
	srand((unsigned)getpid());
	while (!atomic_load(&notes->stop)) {
		if (worker < 2)
			send_some(queue);
		else if (worker < 4)
			receive_some(queue);
		else if (worker < 5)
			look_at(queue);
		else
			meddle_with_fifo(queue);
		atomic_fetch_add(&notes->beats[worker], 1);
		/* What is spoilt for good is of no more interest: then there is a new queue. */
		mqd_t opened = atomic_load(&notes->turn) == turn ? (mqd_t)-1
								 : mq_open(name, O_RDWR);
		if (opened != (mqd_t)-1) {
			mq_close(queue);
			queue = opened;
			turn = atomic_load(&notes->turn);
		}
	}
	exit(0);
}

static void watch(void)
{
	static unsigned long seen[WORKERS];
	static long moved[WORKERS];
	for (int i = 0; i < WORKERS; i++) {
		int status;
		if (waitpid(workers[i], &status, WNOHANG) == workers[i]) {
			fprintf(stderr, "worker %d ended with status 0x%x\n", i, status);
			exit(1);
		}
		unsigned long beats = atomic_load(&notes->beats[i]);
		if (beats != seen[i] || moved[i] == 0)
			moved[i] = now_ms();
		seen[i] = beats;
		MUST(now_ms() - moved[i] < HANG_MS);
	}
}

static uint64_t any_word(uint64_t before)
{
	uint64_t random = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
	switch (rand() % 8) {
	case 0: return random;
	case 1: return 0;
	case 2: return UINT64_MAX;
	case 3: return before + 1;
	case 4: return before ^ 1ULL << rand() % 64;
	case 5: return random | 1ULL << 63;
	case 6: return (uint64_t)workers[rand() % WORKERS] << (rand() % 2 ? 32 : 0);
	default: return before << 32 | before >> 32;
	}
}

static void overwrite(int data)
{
	struct stat status;
	MUST(fstat(data, &status) == 0);
	off_t start = status.st_size < START ? status.st_size : START, at;
	at = rand() % 4 ? IDENTITY + rand() % (start - IDENTITY)
			: IDENTITY + rand() % (status.st_size - IDENTITY);
	at = rand() % 8 ? at & ~7 : at;
	uint64_t word = 0;
	MUST(pread(data, &word, sizeof word, at) >= 0);
	word = any_word(word);
	size_t length = status.st_size - at < 8 ? (size_t)(status.st_size - at) : 8;
	MUST(pwrite(data, &word, length, at) == (ssize_t)length);
}

/* A new queue instead of the old one. */
static mqd_t renew(mqd_t old, long depth, int *data)
{
	char path[600];
	if (old != (mqd_t)-1) {
		MUST(mq_unlink(name) == 0);
		close(*data);
		mq_close(old);
	}
	struct mq_attr attr = { .mq_maxmsg = depth, .mq_msgsize = SIZE };
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	MUST(queue != (mqd_t)-1);
	snprintf(path, sizeof path, "%s/rsipc-mq.%s", place, name + 1);
	*data = open(path, O_RDWR | O_CLOEXEC);
	MUST(*data != -1);
	atomic_fetch_add(&notes->turn, 1);
	return queue;
}

static void end_workers(void)
{
	atomic_store(&notes->stop, 1);
	for (int i = 0; i < WORKERS; i++) {
		int status = -1;
		for (long until = now_ms() + HANG_MS; waitpid(workers[i], &status, WNOHANG) == 0;) {
			MUST(now_ms() < until);
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
		MUST(status == 0);
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 4 && getenv("RSIPC_DIR"));
	snprintf(place, sizeof place, "%s", getenv("RSIPC_DIR"));
	snprintf(name, sizeof name, "/hostile-%d", (int)getpid());
	long depth = atol(argv[1]);
	srand((unsigned)atol(argv[2]));
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	MUST(notes != MAP_FAILED);
	int data;
	mqd_t queue = renew((mqd_t)-1, depth, &data);
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		MUST(workers[i] != -1);
		if (workers[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(i, queue);
		}
	}
	unsigned long overwritten = 0;
	long renewed = now_ms();
	for (long until = renewed + atol(argv[3]) * 1000; now_ms() < until; overwritten++) {
		overwrite(data);
		nanosleep(&(struct timespec){ .tv_nsec = rand() % 400000 }, NULL);
		watch();
		if (now_ms() - renewed > PERIOD_MS) {
			queue = renew(queue, depth, &data);
			renewed = now_ms();
		}
	}
	end_workers();
	printf("%lu words overwritten; %lu sent, %lu received, %lu refused\n", overwritten,
	       notes->sent, notes->received, notes->refused);
	MUST(overwritten > 100 && notes->sent > 100 && notes->received > 100 && notes->refused > 0);
	return 0;
}
