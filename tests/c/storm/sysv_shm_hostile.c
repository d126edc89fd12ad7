/* sysv_shm_hostile SEED SECONDS: processes use a segment of shared memory in every way, while
 * another one writes random bytes to the file that describes it. Exit status 0: no process crashed,
 * and each call came to an end: with an errno, or done. What was attached could be read and written
 * to its end. And a file of random bytes that has the name of a segment is no segment.
 *
 * RSIPC_DIR must be a directory of our own, and RSIPC_SYSV name shm. */
#include <sys/shm.h>
#include "hostile.h"

enum { SIZE = 10000, PAGE = 4096 };

/* Touches each page of what is attached, and detaches it. */
static void touch(int id, int flags, size_t size)
{
	volatile char *at = shmat(id, NULL, flags);
	if (at == (void *)-1)
		return count(-1);
	for (size_t byte = 0; byte < size; byte += PAGE) {
		if (flags & SHM_RDONLY)
			(void)at[byte];
		else
			at[byte] = 'a';
	}
	count(shmdt((void *)at));
}

static void turn(void)
{
	struct shmid_ds status;
	int segment = object();
	switch (draw() % 8) {
	case 0:
		return count(shmctl(segment, IPC_STAT, &status));
	case 1:
		status.shm_perm.uid = status.shm_perm.gid = 0;
		status.shm_perm.mode = 0600;
		return count(shmctl(segment, IPC_SET, &status));
	case 2:
		return count(shmctl(segment, draw() % 2 ? SHM_LOCK : SHM_UNLOCK, NULL));
	case 3:
		return count(shmctl((int)(draw() % 4), SHM_STAT, &status));
	case 4:
		return touch(segment, SHM_RDONLY, SIZE);
	default:
		return touch(segment, 0, SIZE);
	}
}

/* The file that tells of a new segment, and what is in it. */
static int make_segment(char good[256])
{
	int segment = shmget(IPC_PRIVATE, SIZE, 0600);
	MUST(segment != -1);
	int file = open(path_of("svshm", segment), O_RDWR);
	MUST(file != -1 && pread(file, good, 256, 0) == 256);
	atomic_store(&notes->object, segment);
	return file;
}

static void spoil(int file, char good[256], long seconds)
{
	for (long until = now_ms() + seconds * 1000; now_ms() < until; none_hangs()) {
		/* Some bytes say that it has been removed, and a list of all finishes that. */
		if (access(path_of("svshm", object()), F_OK) == -1) {
			close(file);
			file = make_segment(good);
		}
		if (draw() % 3 == 0)
			MUST(pwrite(file, good, 256, 0) == 256);
		overwrite(file, (off_t)(draw() % 256) & ~7);
		if (draw() % 8 == 0)
			usleep(100);
	}
	close(file);
}

/* Any bytes in a file with such a name, beside a memory of one page. */
static void refuse_random_files(void)
{
	/* The magic number, the version and the family of one that is well. */
	uint64_t good[256 / sizeof(uint64_t)];
	close(make_segment((char *)good));
	MUST(shmctl(object(), IPC_RMID, NULL) == 0);
	unsigned long attached = 0;
	for (int i = 0; i < 400; i++) {
		int id = (1 << 20) + (int)(draw() % 100000000);
		struct shmid_ds status;
		static uint64_t bytes[512];
		for (size_t word = 0; word < 512; word++)
			bytes[word] = draw();
		if (i % 2) {
			/* With a good beginning, and a life. */
			memcpy(bytes, good, 2 * sizeof *good);
			bytes[2] = (uint32_t)id;
			uint64_t sizes[] = { PAGE, PAGE + 1, draw(), draw() >> draw() % 64 };
			bytes[4] = sizes[i / 2 % 4];
			bytes[6] = bytes[6] << 32 | 1;
			bytes[7] = 0;
		}
		size_t length = i % 4 == 0 ? draw() % sizeof bytes : sizeof bytes;
		write_file(path_of("svshm", id), bytes, length);
		write_file(path_of("svshm-memory", id), bytes, PAGE);
		int before = (int)atomic_load(&notes->done);
		touch(id, draw() % 2 ? SHM_RDONLY : 0, PAGE);
		attached += (unsigned long)((int)atomic_load(&notes->done) - before);
		count(shmctl(id, IPC_STAT, &status));
		count(shmctl(id, IPC_RMID, NULL));
		unlink(path_of("svshm", id));
		unlink(path_of("svshm-memory", id));
	}
	/* Those that are segments after all: the test can fail. */
	MUST(attached > 20);
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	char good[256];
	begin(argv[1]);
	refuse_random_files();
	int file = make_segment(good);
	begin_users(turn);
	spoil(file, good, atol(argv[2]));
	end_users();
	shmctl(object(), IPC_RMID, NULL);
	MUST(notes->done > 1000);
	return 0;
}
