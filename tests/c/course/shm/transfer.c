/* A writer hands a file to a reader, block by block, through a shared memory object. Two unnamed
 * semaphores inside the object make them take turns, the writer first.
 *
 *   transfer [--time] [FILE [COPY]]   both, in two processes; --time also tells how long it took.
 *                                     Without a FILE one of a million bytes is made; without a
 *                                     COPY the reader only sums up what it gets
 *   transfer write NAME < FILE        the writer alone, over the object NAME, which it makes
 *   transfer read NAME > COPY         the reader alone, to be started after the writer
 */
#include "transfer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

enum { MADE_BYTES = 1000000 };

static struct transfer *map(const char *name, int flags)
{
	int fd = (int)check(shm_open(name, flags, 0600), "shm_open");
	if (flags & O_CREAT)
		check(ftruncate(fd, sizeof(struct transfer)), "ftruncate");
	struct transfer *transfer = mmap(NULL, sizeof(*transfer), PROT_READ | PROT_WRITE,
					 MAP_SHARED, fd, 0);
	if (transfer == MAP_FAILED)
		die("mmap");
	close(fd);
	return transfer;
}

static struct transfer *create(const char *name)
{
	struct transfer *transfer = map(name, O_CREAT | O_EXCL | O_RDWR);
	check(sem_init(&transfer->writer, 1, 1), "sem_init");
	check(sem_init(&transfer->reader, 1, 0), "sem_init");
	return transfer;
}

static void report(FILE *to, const char *who, struct checksum sum, long turns)
{
	fprintf(to, "%s: %ld bytes in %ld turns, checksum %u\n", who, sum.bytes, turns,
		checksum_end(sum));
}

static void write_all(struct transfer *transfer, int file, FILE *log)
{
	struct checksum sum = { 0 };
	for (long turns = 0;; turns++) {
		check(sem_wait(&transfer->writer), "sem_wait");
		transfer->count = check(read(file, transfer->block, BLOCK), "read");
		if (transfer->count == 0) {
			check(sem_post(&transfer->reader), "sem_post");
			/* The reader has the last turn: when it is over, the object can go. */
			check(sem_wait(&transfer->writer), "sem_wait");
			report(log, "writer", sum, turns);
			return;
		}
		checksum_add(&sum, transfer->block, transfer->count);
		check(sem_post(&transfer->reader), "sem_post");
	}
}

static void read_all(struct transfer *transfer, int copy, FILE *log)
{
	struct checksum sum = { 0 };
	for (long turns = 0;; turns++) {
		check(sem_wait(&transfer->reader), "sem_wait");
		if (transfer->count == 0) {
			report(log, "reader", sum, turns);
			check(sem_post(&transfer->writer), "sem_post");
			return;
		}
		if (copy != -1)
			check(write(copy, transfer->block, (size_t)transfer->count), "write");
		checksum_add(&sum, transfer->block, transfer->count);
		check(sem_post(&transfer->writer), "sem_post");
	}
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

static void both(const char *path, const char *copy_path, int timed)
{
	struct name name = own_name("transfer");
	int file = (int)check(open(path, O_RDONLY), path);
	struct transfer *transfer = create(name.text);
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);

	pid_t reader = fork_child();
	if (reader == 0) {
		int copy = -1;
		if (copy_path != NULL)
			copy = (int)check(open(copy_path, O_CREAT | O_TRUNC | O_WRONLY, 0600),
					  copy_path);
		read_all(map(name.text, O_RDWR), copy, stdout);
		exit(EXIT_SUCCESS);
	}
	write_all(transfer, file, stdout);
	clock_gettime(CLOCK_MONOTONIC, &after);
	expect_success(reader);
	check(shm_unlink(name.text), "shm_unlink");
	if (timed) {
		double seconds = (double)(after.tv_sec - before.tv_sec) +
				 (double)(after.tv_nsec - before.tv_nsec) / 1e9;
		double bytes = (double)check(lseek(file, 0, SEEK_END), "lseek");
		printf("%.3f s, %.1f MB/s\n", seconds, bytes / 1e6 / seconds);
	}
}

int main(int argc, char **argv)
{
	const char *role = argc == 3 ? argv[1] : "";
	if (strcmp(role, "write") == 0) {
		write_all(create(argv[2]), STDIN_FILENO, stderr);
		check(shm_unlink(argv[2]), "shm_unlink");
	} else if (strcmp(role, "read") == 0) {
		read_all(map(argv[2], O_RDWR), STDOUT_FILENO, stderr);
	} else {
		begin();
		int timed = argc > 1 && strcmp(argv[1], "--time") == 0;
		argv += timed;
		argc -= timed;
		struct name made = own_path("transfer");
		if (argc == 1)
			make_file(made.text);
		both(argc > 1 ? argv[1] : made.text, argc > 2 ? argv[2] : NULL, timed);
		if (argc == 1)
			check(unlink(made.text), "unlink");
	}
	return EXIT_SUCCESS;
}
