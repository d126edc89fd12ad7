/* A segment with two semaphores that carries a file. A writer fills the block in the segment, a
 * reader empties it; each waits for its own semaphore of a set of two, and adds to the other one's.
 *
 *   segment_transfer [FILE [COPY]]   both, in two processes. Without a FILE one of a million
 *                                    bytes is made; without a COPY the reader only sums it up
 */
#include "segment.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/sem.h>

enum { BLOCK = 4096, MADE_BYTES = 1000000 };
/* The semaphores of the set. */
enum { EMPTY, FULL };

struct transfer {
	long count;
	unsigned char block[BLOCK];
};

struct sum {
	long bytes, turns;
	uint32_t a, b;
};

static void change(int set, int semaphore, int by)
{
	struct sembuf operation = { (unsigned short)semaphore, (short)by, 0 };
	check(semop(set, &operation, 1), "semop");
}

/* Adler-32 */
static void add(struct sum *sum, const struct transfer *transfer)
{
	for (long i = 0; i < transfer->count; i++) {
		sum->a = (sum->a + transfer->block[i]) % 65521;
		sum->b = (sum->b + sum->a) % 65521;
	}
	sum->bytes += transfer->count;
	sum->turns++;
}

static void report(const char *who, struct sum sum)
{
	printf("%s: %ld bytes in %ld turns, checksum %08x\n", who, sum.bytes, sum.turns,
	       sum.b << 16 | sum.a);
}

static struct sum write_all(int set, struct transfer *transfer, int file)
{
	struct sum sum = { .a = 1 };
	do {
		change(set, EMPTY, -1);
		transfer->count = check(read(file, transfer->block, BLOCK), "read");
		if (transfer->count > 0)
			add(&sum, transfer);
		change(set, FULL, 1);
	} while (transfer->count > 0);
	return sum;
}

static void read_all(int set, struct transfer *transfer, int copy)
{
	struct sum sum = { .a = 1 };
	for (;;) {
		change(set, FULL, -1);
		if (transfer->count == 0)
			break;
		add(&sum, transfer);
		if (copy != -1)
			check(write(copy, transfer->block, (size_t)transfer->count), "write");
		change(set, EMPTY, 1);
	}
	report("reader", sum);
}

static void make_file(const char *path)
{
	FILE *file = fopen(path, "wx");
	if (file == NULL)
		die(path);
	uint32_t number = 1;
	for (int i = 0; i < MADE_BYTES; i++) {
		number = number * 1103515245 + 12345;
		fputc((int)(number >> 16 & 0xff), file);
	}
	fclose(file);
}

static void transfer_file(const char *path, const char *copy_path)
{
	int file = (int)check(open(path, O_RDONLY), path);
	int set = (int)check(semget(IPC_PRIVATE, 2, 0600), "semget");
	int segment = segment_of(IPC_PRIVATE, sizeof(struct transfer), 0600);
	struct transfer *transfer = attach(segment, 0);
	/* It goes with its last user, whatever becomes of them. */
	remove_segment(segment);
	change(set, EMPTY, 1);

	pid_t reader = fork_child();
	if (reader == 0) {
		int copy = -1, flags = O_CREAT | O_TRUNC | O_WRONLY;
		if (copy_path != NULL)
			copy = (int)check(open(copy_path, flags, 0600), copy_path);
		read_all(set, transfer, copy);
		exit(EXIT_SUCCESS);
	}
	struct sum sum = write_all(set, transfer, file);
	expect_success(reader);
	report("writer", sum);
	check(semctl(set, 0, IPC_RMID), "IPC_RMID");
	detach(transfer);
}

int main(int argc, char **argv)
{
	begin();
	if (argc > 1) {
		transfer_file(argv[1], argc > 2 ? argv[2] : NULL);
		return EXIT_SUCCESS;
	}
	struct name path = own_path("file"), copy = own_path("copy");
	make_file(path.text);
	transfer_file(path.text, copy.text);
	FILE *one = fopen(path.text, "r"), *other = fopen(copy.text, "r");
	int same = one != NULL && other != NULL, byte;
	while (same && (byte = getc(one)) != EOF)
		same = byte == getc(other);
	printf("the copy is the file: %s\n", yes_no(same && getc(other) == EOF));
	check(unlink(path.text), "unlink");
	check(unlink(copy.text), "unlink");
	return EXIT_SUCCESS;
}
