/* What ipcs -m and ipcrm do: all segments by SHM_INFO and SHM_STAT, and IPC_RMID. Others may have
 * segments, too: only our own are shown. */
#include "segment.h"

#ifndef SHM_STAT
#define SHM_STAT 13
#endif

static int own[3];

static int is_own(int segment)
{
	for (int i = 0; i < 3; i++)
		if (own[i] == segment)
			return 1;
	return 0;
}

static void list(void)
{
	struct shm_info info;
	struct shmid_ds status;
	int highest = (int)check(shmctl(0, SHM_INFO, (struct shmid_ds *)&info), "SHM_INFO");
	int seen = 0;
	size_t bytes = 0;
	for (int index = 0; index <= highest; index++) {
		int segment = shmctl(index, SHM_STAT, &status);
		if (segment == -1 || !is_own(segment))
			continue;
		seen++;
		bytes += status.shm_segsz;
	}
	printf("%d segments, %zu bytes, at least so many altogether: %s\n", seen, bytes,
	       yes_no(info.used_ids >= seen));
}

int main(void)
{
	begin();
	for (int i = 0; i < 3; i++)
		own[i] = segment_of(IPC_PRIVATE, 1000 * (size_t)(i + 1), 0600);
	list();
	remove_segment(own[1]);
	list();
	struct shminfo limits;
	check(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits), "IPC_INFO");
	printf("a segment has %lu byte at least, and may have 32 MiB: %s\n",
	       (unsigned long)limits.shmmin, yes_no(limits.shmmax >= 32 << 20));
	remove_segment(own[0]);
	remove_segment(own[2]);
	list();
	return EXIT_SUCCESS;
}
