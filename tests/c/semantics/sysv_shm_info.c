/* Finding segments: IPC_INFO, SHM_INFO, SHM_STAT, SHM_STAT_ANY. */
#include "../support/sysv_shm.h"

static int highest_index(void)
{
	struct shm_info info;
	int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
	CHECK_OK(highest);
	return highest;
}

/* The index under which the segment is listed; -1: it is not. */
static int index_of(int segment, int command)
{
	struct shmid_ds status;
	int highest = highest_index(), found = -1;
	for (int i = 0; i <= highest; i++) {
		if (shmctl(i, command, &status) == segment) {
			CHECK_EQ(found, -1);
			found = i;
		}
	}
	return found;
}

CASE(shmctl_ipc_info_tells_the_limits)
{
	struct shminfo info;
	memset(&info, 0xa5, sizeof info);
	CHECK_OK(shmctl(0, IPC_INFO, (struct shmid_ds *)&info));
	CHECK(info.shmmax >= 1 << 25);
	CHECK_EQ(info.shmmin, 1);
	CHECK(info.shmmni >= 4096);
	CHECK(info.shmseg >= 4096);
	CHECK(info.shmall >= 1 << 13);
}

CASE(shmctl_info_needs_no_segment)
{
	union {
		struct shminfo limits;
		struct shm_info usage;
		struct shmid_ds status;
	} info;
	int ids[] = { 0, 12345, removed_segment() };
	for (int i = 0; i < 3; i++) {
		CHECK_OK(shmctl(ids[i], IPC_INFO, &info.status));
		CHECK_OK(shmctl(ids[i], SHM_INFO, &info.status));
	}
	CHECK_FAILS(shmctl(-1, IPC_INFO, &info.status), EINVAL);
	CHECK_FAILS(shmctl(-1, SHM_INFO, &info.status), EINVAL);
}

CASE(shmctl_info_into_bad_memory_is_efault)
{
	CHECK_FAILS(shmctl(0, IPC_INFO, NULL), EFAULT);
	CHECK_FAILS(shmctl(0, SHM_INFO, no_memory()), EFAULT);
}

CASE(shmctl_shm_info_counts_segments_and_pages)
{
	struct shm_info info;
	for (int i = 0; i < 10; i++)
		new_segment(page_size() + 1);
	memset(&info, 0xa5, sizeof info);
	CHECK_OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&info));
	CHECK(info.used_ids >= 10);
	CHECK(info.shm_tot >= 20);
	CHECK(info.shm_tot < 1 << 30);
}

CASE(shmctl_shm_stat_finds_every_segment)
{
	int segments[5];
	for (int i = 0; i < 5; i++)
		segments[i] = new_segment(100);
	for (int i = 0; i < 5; i++) {
		CHECK(index_of(segments[i], SHM_STAT) >= 0);
		CHECK(index_of(segments[i], SHM_STAT_ANY) >= 0);
	}
}

CASE(shmctl_shm_stat_tells_what_ipc_stat_does)
{
	int segment = noted(shmget(own_key(0), 5000, IPC_CREAT | 0640));
	attach(segment);
	struct shmid_ds status;
	CHECK_EQ(shmctl(index_of(segment, SHM_STAT), SHM_STAT, &status), segment);
	CHECK_EQ(status.shm_perm.__key, own_key(0));
	CHECK_EQ(status.shm_perm.mode, 0640);
	CHECK_EQ(status.shm_segsz, 5000);
	CHECK_EQ(status.shm_nattch, 1);
	CHECK_EQ(status.shm_cpid, getpid());
}

CASE(shmctl_shm_stat_of_a_free_index_is_einval)
{
	struct shmid_ds status;
	int segment = new_segment(100), index = index_of(segment, SHM_STAT);
	CHECK(index >= 0);
	remove_segment(segment);
	CHECK(shmctl(index, SHM_STAT, &status) != segment);
	CHECK_FAILS(shmctl(highest_index() + 1000, SHM_STAT, &status), EINVAL);
	CHECK_EQ(index_of(segment, SHM_STAT_ANY), -1);
}

CASE(shmctl_a_segment_keeps_its_index)
{
	int one = new_segment(1), other = new_segment(1), third = new_segment(1);
	int index = index_of(other, SHM_STAT);
	remove_segment(one);
	CHECK_EQ(index_of(other, SHM_STAT), index);
	new_segment(1);
	remove_segment(third);
	CHECK_EQ(index_of(other, SHM_STAT), index);
}
