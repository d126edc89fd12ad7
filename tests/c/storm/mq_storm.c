/* mq_storm DEPTH SECONDS: producers and consumers of one queue are killed at random instants, one a millisecond, and
 * others take their places. Exit status 0: nothing acknowledged was lost, nothing came twice, nothing was torn, nobody
 * stood still, and in the end each place of the queue can be used.
 *
 * All notes are in memory that outlives the killed. A consumer that dies after its receive and before it has noted it
 * leaves the message in its buffer, which is there, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 8, LIVES = 60000, EACH = 2048, SIZE = 4096, STALL_MS = 2000 };

struct message {
	uint32_t life, number, length, sum;
	unsigned char bytes[SIZE - 16];
};

static struct {
	atomic_ulong progress, torn, twice;
	/* The number of a life's messages whose send has returned. */
	atomic_uint sent[LIVES];
	/* How often each message was received; IN_BUFFER: it may have been, by one who died. */
	atomic_uchar received[LIVES][EACH];
	struct message buffers[WORKERS];
} *notes;

enum { IN_BUFFER = 0x80 };

static mqd_t queue;
static pid_t workers[WORKERS];

#define MUST(condition)                                                              \
	do {                                                                         \
		if (!(condition)) {                                                  \
			fprintf(stderr, "%d: not true: %s (%s)\n", __LINE__, #condition, strerror(errno)); \
			exit(1);                                                     \
		}                                                                    \
	} while (0)

static uint32_t sum_of(const struct message *message)
{
	uint32_t sum = message->life * 31 + message->number;
	for (uint32_t i = 0; i < message->length; i++)
		sum = sum * 16777619 ^ message->bytes[i];
	return sum;
}

static void produce(uint32_t life)
{
	static struct message message;
	srand(life);
	for (uint32_t number = 0; number < EACH; number++) {
		message.life = life;
		message.number = number;
		message.length = (uint32_t)rand() % sizeof message.bytes;
		for (uint32_t i = 0; i < message.length; i++)
			message.bytes[i] = (unsigned char)(i * 7 + life + number);
		message.sum = sum_of(&message);
		MUST(mq_send(queue, (char *)&message, 16 + message.length, (unsigned)rand() % 8) == 0);
		atomic_store(&notes->sent[life], number + 1);
	}
}

static int is_whole(const struct message *message, ssize_t size)
{
	return size >= 16 && message->life > 0 && message->life < LIVES && message->number < EACH &&
	       message->length == (uint32_t)size - 16 && message->sum == sum_of(message);
}

static void note(const struct message *message, ssize_t size)
{
	if (!is_whole(message, size))
		atomic_fetch_add(&notes->torn, 1);
	else if (atomic_fetch_add(&notes->received[message->life][message->number], 1) & ~IN_BUFFER)
		atomic_fetch_add(&notes->twice, 1);
	atomic_fetch_add(&notes->progress, 1);
}

static void consume(struct message *buffer)
{
	for (;;) {
		buffer->life = 0;
		ssize_t size = mq_receive(queue, (char *)buffer, SIZE, NULL);
		MUST(size >= 0);
		note(buffer, size);
	}
}

static uint32_t next_life = 1;

static void start(int worker)
{
	uint32_t life = next_life++;
	notes->buffers[worker].life = 0;
	workers[worker] = fork();
	MUST(workers[worker] != -1);
	if (workers[worker] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (worker % 2)
			consume(&notes->buffers[worker]);
		produce(life);
		_exit(0);
	}
}

static void end(int worker)
{
	int status;
	kill(workers[worker], SIGKILL);
	MUST(waitpid(workers[worker], &status, 0) == workers[worker]);
	MUST(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	struct message *left = &notes->buffers[worker];
	if (worker % 2 && left->life > 0 && left->length <= sizeof left->bytes && is_whole(left, 16 + left->length))
		atomic_fetch_or(&notes->received[left->life][left->number], IN_BUFFER);
}

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void storm(long seconds)
{
	for (int i = 0; i < WORKERS; i++)
		start(i);
	long until = now_ms() + seconds * 1000, moved = now_ms();
	unsigned long seen = 0;
	while (now_ms() < until && next_life < LIVES) {
		nanosleep(&(struct timespec){ .tv_nsec = 500000 + rand() % 1000000 }, NULL);
		int worker = rand() % WORKERS;
		end(worker);
		start(worker);
		if (atomic_load(&notes->progress) != seen) {
			seen = atomic_load(&notes->progress);
			moved = now_ms();
		}
		MUST(now_ms() - moved < STALL_MS);
	}
	for (int i = 0; i < WORKERS; i++)
		end(i);
}

static void drain(void)
{
	struct message buffer;
	ssize_t size;
	while ((size = mq_receive(queue, (char *)&buffer, SIZE, NULL)) >= 0)
		note(&buffer, size);
	MUST(errno == EAGAIN);
}

static void every_place_can_be_used(long depth)
{
	for (long i = 0; i < depth; i++)
		MUST(mq_send(queue, "x", 1, 0) == 0);
	MUST(mq_send(queue, "x", 1, 0) == -1 && errno == EAGAIN);
	char got[SIZE];
	for (long i = 0; i < depth; i++)
		MUST(mq_receive(queue, got, sizeof got, NULL) == 1);
	MUST(mq_receive(queue, got, sizeof got, NULL) == -1 && errno == EAGAIN);
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	long depth = atol(argv[1]);
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(notes != MAP_FAILED);
	char name[64];
	snprintf(name, sizeof name, "/rsipc-storm-%d-%ld", (int)getpid(), now_ms());
	struct mq_attr attr = { .mq_maxmsg = depth, .mq_msgsize = SIZE };
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	MUST(queue != (mqd_t)-1 && mq_unlink(name) == 0);
	srand((unsigned)getpid());
	storm(atol(argv[2]));

	MUST(mq_setattr(queue, &(struct mq_attr){ .mq_flags = O_NONBLOCK }, NULL) == 0);
	drain();
	unsigned long lost = 0, all = 0;
	for (uint32_t life = 1; life < next_life; life++) {
		all += notes->sent[life];
		for (uint32_t number = 0; number < notes->sent[life]; number++)
			lost += notes->received[life][number] == 0;
	}
	printf("%lu messages, %u lives: %lu lost, %lu twice, %lu torn\n", all, next_life, lost, notes->twice,
	       notes->torn);
	MUST(lost == 0 && notes->twice == 0 && notes->torn == 0 && all > 0);
	every_place_can_be_used(depth);
	return 0;
}
