/* mq_loan_storm DEPTH SECONDS KILLS: processes that hold loans and borrowed messages are killed at
 * random instants, one a millisecond, and others take their places: for so long, and at least so
 * many of them. They mix loans with mq_send, and borrowed messages with mq_receive; some give back
 * what they have. Exit status 0: nothing acknowledged was lost, nothing came twice, nothing was
 * torn, no survivor stood still, and in the end each place of the queue can be used.
 *
 * All notes are in memory that outlives the killed. What one that dies had in its hand is gone, or
 * comes back: it counts as received once, or not yet. */
#include <rsipc.h>
#include <stdatomic.h>

enum {
	SURVIVORS = 2, /* a producer and a consumer: the first workers */
	WORKERS = 8,   /* producers and consumers in turn */
	LIVES = 60000,
	EACH = 1024,
	SIZE = 2048,
	/* On a busy machine. */
	STALL_MS = 15000,
};

#include "crew.h"

struct message {
	uint32_t life, number, length, sum;
	unsigned char bytes[SIZE - 16];
};

static struct {
	atomic_uint lives;
	atomic_ulong torn, twice, received_ever, beats[SURVIVORS];
	/* The producers are gone: the consumer that lives is to end between two messages. */
	atomic_int over;
	/* The number of a life's messages whose commit has returned. */
	atomic_uint sent[LIVES];
	/* How often each message was received. */
	atomic_uchar received[LIVES][EACH];
	/* What a consumer is about to receive: life and number, and one. */
	atomic_ulong hand[WORKERS];
} *notes;

/* In `received`: perhaps, by a process that died. */
enum { PERHAPS = 0x80 };

static mqd_t queue;

static void fill(struct message *message, uint32_t life, uint32_t number)
{
	message->life = life;
	message->number = number;
	message->length = (uint32_t)rand() % sizeof message->bytes;
	for (uint32_t i = 0; i < message->length; i++)
		message->bytes[i] = (unsigned char)(i * 7 + life + number);
	message->sum = sum_of(life * 31 + number, message->bytes, message->length);
}

static int is_whole(const struct message *message, size_t size)
{
	return size >= 16 && message->life > 0 && message->life < LIVES && message->number < EACH &&
	       message->length == size - 16 &&
	       message->sum == sum_of(message->life * 31 + message->number, message->bytes,
				      message->length);
}

static void rest_at_times(void)
{
	if (rand() % 16 == 0)
		usleep((unsigned)rand() % 500);
}

static void produce(int worker, uint32_t life)
{
	static struct message copy;
	srand(life);
	for (uint32_t number = 0; number < EACH; number++) {
		unsigned priority = (unsigned)rand() % 4;
		if (rand() % 3 == 0) {
			fill(&copy, life, number);
			MUST(mq_send(queue, (char *)&copy, 16 + copy.length, priority) == 0);
		} else {
			struct message *loan = rsipc_mq_loan(queue, 0, CLOCK_REALTIME, NULL);
			MUST(loan);
			if (rand() % 8 == 0) {
				MUST(rsipc_mq_return(queue, loan) == 0);
				loan = rsipc_mq_loan(queue, 0, CLOCK_REALTIME, NULL);
				MUST(loan);
			}
			fill(loan, life, number);
			rest_at_times();
			MUST(rsipc_mq_commit(queue, loan, 16 + loan->length, priority) == 0);
		}
		atomic_store(&notes->sent[life], number + 1);
		if (worker < SURVIVORS)
			atomic_fetch_add(&notes->beats[worker], 1);
	}
}

/* The one that it had in its hand has been received. */
static void note(int worker, uint32_t life, uint32_t number)
{
	if (atomic_fetch_add(&notes->received[life][number], 1) & ~PERHAPS)
		atomic_fetch_add(&notes->twice, 1);
	atomic_store(&notes->hand[worker], 0);
	atomic_fetch_add(&notes->received_ever, 1);
}

static void consume_one(int worker)
{
	static struct message copy;
	size_t length;
	if (worker < SURVIVORS && rand() % 3 == 0) {
		/* Only one that lives: what it receives is not seen by others. */
		ssize_t size = mq_receive(queue, (char *)&copy, SIZE, NULL);
		MUST(size >= 0);
		if (!is_whole(&copy, (size_t)size))
			atomic_fetch_add(&notes->torn, 1);
		else
			note(worker, copy.life, copy.number);
		return;
	}
	struct message *message = rsipc_mq_borrow(queue, &length, NULL, CLOCK_REALTIME, NULL);
	MUST(message);
	if (!is_whole(message, length)) {
		atomic_fetch_add(&notes->torn, 1);
		MUST(rsipc_mq_release(queue, message) == 0);
		return;
	}
	rest_at_times();
	if (rand() % 8 == 0) {
		MUST(rsipc_mq_return(queue, message) == 0);
		return;
	}
	uint32_t life = message->life, number = message->number;
	atomic_store(&notes->hand[worker], 1 + (unsigned long)life * EACH + number);
	MUST(rsipc_mq_release(queue, message) == 0);
	note(worker, life, number);
}

__attribute__((noreturn)) static void work(int worker)
{
	srand((unsigned)getpid());
	for (;;) {
		if (worker % 2 == 0) {
			uint32_t life = atomic_fetch_add(&notes->lives, 1);
			if (life >= LIVES)
				pause();
			produce(worker, life);
			continue;
		}
		if (worker < SURVIVORS && atomic_load(&notes->over))
			_exit(0);
		consume_one(worker);
		if (worker < SURVIVORS)
			atomic_fetch_add(&notes->beats[worker], 1);
	}
}

static void begin(int worker)
{
	workers[worker] = fork_worker();
	if (workers[worker] == 0)
		work(worker);
}

static void end(int worker)
{
	strike(worker);
	bury_killed(worker);
	unsigned long hand = atomic_exchange(&notes->hand[worker], 0);
	if (hand != 0)
		atomic_fetch_or(&notes->received[(hand - 1) / EACH][(hand - 1) % EACH], PERHAPS);
}

/* What the consumer that lives has in its hand by mq_receive is known to nobody else, so it is not
 * killed. It may be asleep: then one message more wakes it. */
static void end_survivors(void)
{
	static struct message last;
	struct timespec past = { 0 };
	int status, consumer = SURVIVORS - 1;
	end(0);
	atomic_store(&notes->over, 1);
	uint32_t life = atomic_fetch_add(&notes->lives, 1);
	MUST(life < LIVES);
	fill(&last, life, 0);
	if (mq_timedsend(queue, (char *)&last, 16 + last.length, 0, &past) == 0)
		atomic_store(&notes->sent[life], 1);
	else
		MUST(errno == ETIMEDOUT);
	MUST(waitpid(workers[consumer], &status, 0) == workers[consumer] && status == 0);
}

static void check_that_survivors_go_on(void)
{
	for (int i = 0; i < SURVIVORS; i++)
		MUST(stall_of(i, atomic_load(&notes->beats[i])) < STALL_MS);
}

static void drain(void)
{
	struct timespec past = { 0 };
	size_t length;
	struct message *message;
	while ((message = rsipc_mq_borrow(queue, &length, NULL, CLOCK_REALTIME, &past))) {
		MUST(is_whole(message, length));
		note(0, message->life, message->number);
		MUST(rsipc_mq_release(queue, message) == 0);
	}
	MUST(errno == ETIMEDOUT);
}

int main(int argc, char **argv)
{
	MUST(argc == 4);
	long depth = atol(argv[1]), until = now_ms() + 1000 * atol(argv[2]);
	unsigned long lost = 0, sent = 0, least = (unsigned long)atol(argv[3]);
	char name[64];
	struct mq_attr attributes = { .mq_maxmsg = depth, .mq_msgsize = SIZE };
	struct timespec past = { 0 };
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(notes != MAP_FAILED);
	atomic_store(&notes->lives, 1);
	snprintf(name, sizeof name, "/loan_storm.%d", (int)getpid());
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	MUST(queue != (mqd_t)-1 && mq_unlink(name) == 0);
	for (int i = 0; i < WORKERS; i++)
		begin(i);
	while ((now_ms() < until || kills < least) && atomic_load(&notes->lives) < LIVES - 10) {
		usleep(1000);
		int worker = SURVIVORS + rand() % (WORKERS - SURVIVORS);
		end(worker);
		begin(worker);
		check_that_survivors_go_on();
	}
	for (int i = SURVIVORS; i < WORKERS; i++)
		end(i);
	for (int i = 0; i < SURVIVORS; i++)
		MUST(atomic_load(&notes->beats[i]) > 0);
	end_survivors();
	drain();
	for (uint32_t life = 1; life < atomic_load(&notes->lives) && life < LIVES; life++) {
		uint32_t of_life = atomic_load(&notes->sent[life]);
		sent += of_life;
		for (uint32_t number = 0; number < of_life; number++)
			lost += atomic_load(&notes->received[life][number]) == 0;
	}
	printf("%u kills, %lu sent, %lu received, %lu lost, %lu twice, %lu torn\n", kills, sent,
	       atomic_load(&notes->received_ever), lost, atomic_load(&notes->twice),
	       atomic_load(&notes->torn));
	MUST(lost == 0 && atomic_load(&notes->twice) == 0 && atomic_load(&notes->torn) == 0);
	for (long i = 0; i < depth; i++)
		MUST(mq_timedsend(queue, "x", 1, 0, &past) == 0);
	MUST(mq_timedsend(queue, "x", 1, 0, &past) == -1 && errno == ETIMEDOUT);
	return 0;
}
