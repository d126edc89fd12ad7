/* IPC_STAT, IPC_SET, SHM_LOCK. */
#include "../support/sysv_shm.h"

#include <sys/resource.h>

CASE(shmctl_stat_of_a_new_segment)
{
	time_t before = time(NULL);
	int segment = noted(shmget(own_key(0), 5000, IPC_CREAT | 0640));
	struct shmid_ds status = status_of(segment);
	CHECK_EQ(status.shm_perm.__key, own_key(0));
	CHECK_EQ(status.shm_perm.uid, geteuid());
	CHECK_EQ(status.shm_perm.gid, getegid());
	CHECK_EQ(status.shm_perm.cuid, geteuid());
	CHECK_EQ(status.shm_perm.cgid, getegid());
	CHECK_EQ(status.shm_perm.mode, 0640);
	CHECK_EQ(status.shm_segsz, 5000);
	CHECK_EQ(status.shm_cpid, getpid());
	CHECK_EQ(status.shm_lpid, 0);
	CHECK_EQ(status.shm_nattch, 0);
	CHECK_EQ(status.shm_atime, 0);
	CHECK_EQ(status.shm_dtime, 0);
	CHECK(status.shm_ctime >= before - 1 && status.shm_ctime <= time(NULL));
}

CASE(shmctl_stat_of_a_private_segment_has_key_0)
{
	CHECK_EQ(status_of(new_segment(1)).shm_perm.__key, 0);
}

CASE(shmctl_stat_tells_of_an_attach)
{
	int segment = new_segment(100);
	time_t before = time(NULL);
	attach(segment);
	struct shmid_ds status = status_of(segment);
	CHECK_EQ(status.shm_nattch, 1);
	CHECK_EQ(status.shm_lpid, getpid());
	CHECK(status.shm_atime >= before - 1 && status.shm_atime <= time(NULL));
	CHECK_EQ(status.shm_dtime, 0);
}

CASE(shmctl_stat_tells_of_a_detach)
{
	int segment = new_segment(100);
	char *at = attach(segment);
	time_t before = time(NULL);
	CHECK_OK(shmdt(at));
	struct shmid_ds status = status_of(segment);
	CHECK_EQ(status.shm_nattch, 0);
	CHECK_EQ(status.shm_lpid, getpid());
	CHECK(status.shm_dtime >= before - 1 && status.shm_dtime <= time(NULL));
}

static void attach_and_detach(int segment)
{
	CHECK_OK(shmdt(attach(segment)));
}

CASE(shmctl_stat_tells_which_process_came_last)
{
	int segment = new_segment(100);
	attach(segment);
	pid_t child = check_fork();
	if (child == 0) {
		attach_and_detach(segment);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(status_of(segment).shm_lpid, child);
	CHECK_EQ(status_of(segment).shm_cpid, getpid());
	attach(segment);
	CHECK_EQ(status_of(segment).shm_lpid, getpid());
}

CASE(shmctl_stat_tells_of_the_maker_that_is_gone)
{
	int ends[2], segment;
	CHECK_OK(pipe(ends));
	pid_t child = check_fork();
	if (child == 0) {
		segment = new_segment(100);
		CHECK_EQ(write(ends[1], &segment, sizeof segment), sizeof segment);
		_exit(0);
	}
	check_child(child);
	CHECK_EQ(read(ends[0], &segment, sizeof segment), sizeof segment);
	CHECK_EQ(status_of(segment).shm_cpid, child);
}

CASE(shmctl_stat_changes_nothing)
{
	int segment = new_segment(100);
	attach(segment);
	struct shmid_ds one = status_of(segment), other = status_of(segment);
	CHECK_EQ(memcmp(&one.shm_perm, &other.shm_perm, sizeof one.shm_perm), 0);
	CHECK_EQ(one.shm_atime, other.shm_atime);
	CHECK_EQ(one.shm_ctime, other.shm_ctime);
	CHECK_EQ(one.shm_nattch, other.shm_nattch);
}

CASE(shmctl_stat_into_bad_memory_is_efault)
{
	int segment = new_segment(100);
	CHECK_FAILS(shmctl(segment, IPC_STAT, NULL), EFAULT);
	CHECK_FAILS(shmctl(segment, IPC_STAT, no_memory()), EFAULT);
	CHECK_FAILS(shmctl(removed_segment(), IPC_STAT, NULL), EINVAL);
}

CASE(shmctl_unknown_ids_are_einval)
{
	struct shmid_ds status = { 0 };
	int commands[] = { IPC_STAT, IPC_SET, IPC_RMID, SHM_LOCK, SHM_UNLOCK };
	int ids[] = { -1, INT_MIN, INT_MAX, removed_segment() };
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 5; k++)
			CHECK_FAILS(shmctl(ids[i], commands[k], &status), EINVAL);
}

CASE(shmctl_unknown_commands_are_einval)
{
	struct shmid_ds status;
	int segment = new_segment(100), commands[] = { -1, 4, 99, 0x100 | IPC_STAT, INT_MAX };
	for (int i = 0; i < 5; i++)
		CHECK_FAILS(shmctl(segment, commands[i], &status), EINVAL);
}

CASE(shmctl_set_changes_owner_group_mode_and_ctime)
{
	int segment = new_segment(100);
	struct shmid_ds status = status_of(segment), after;
	status.shm_perm.mode = 0644;
	status.shm_segsz = 7;
	status.shm_nattch = 7;
	status.shm_lpid = status.shm_cpid = 7;
	status.shm_atime = status.shm_dtime = status.shm_ctime = 7;
	status.shm_perm.cuid = status.shm_perm.cgid = 7;
	CHECK_OK(shmctl(segment, IPC_SET, &status));
	after = status_of(segment);
	CHECK_EQ(after.shm_perm.mode, 0644);
	CHECK_EQ(after.shm_segsz, 100);
	CHECK_EQ(after.shm_nattch, 0);
	CHECK_EQ(after.shm_cpid, getpid());
	CHECK_EQ(after.shm_lpid, 0);
	CHECK_EQ(after.shm_perm.cuid, geteuid());
	CHECK_EQ(after.shm_perm.cgid, getegid());
	CHECK(after.shm_ctime > 7);
	CHECK_EQ(after.shm_atime, 0);
}

CASE(shmctl_set_takes_the_low_nine_bits)
{
	int segment = new_segment(100);
	struct shmid_ds status = status_of(segment);
	status.shm_perm.mode = (unsigned short)(0xffff & ~0177);
	CHECK_OK(shmctl(segment, IPC_SET, &status));
	CHECK_EQ(mode_of(segment), 0600);
}

CASE(shmctl_set_of_nobody_is_einval)
{
	int segment = new_segment(100);
	struct shmid_ds status = status_of(segment);
	status.shm_perm.uid = (uid_t)-1;
	CHECK_FAILS(shmctl(segment, IPC_SET, &status), EINVAL);
	status = status_of(segment);
	status.shm_perm.gid = (gid_t)-1;
	CHECK_FAILS(shmctl(segment, IPC_SET, &status), EINVAL);
	CHECK_EQ(status_of(segment).shm_perm.uid, geteuid());
}

CASE(shmctl_set_from_bad_memory_is_efault)
{
	int segment = new_segment(100);
	CHECK_FAILS(shmctl(segment, IPC_SET, NULL), EFAULT);
	CHECK_FAILS(shmctl(segment, IPC_SET, no_memory()), EFAULT);
	CHECK_FAILS(shmctl(removed_segment(), IPC_SET, NULL), EFAULT);
}

CASE(shmctl_lock_shows_in_the_mode)
{
	struct rlimit limit = { 1 << 16, 1 << 16 };
	setrlimit(RLIMIT_MEMLOCK, &limit);
	int segment = new_segment(100);
	CHECK_OK(shmctl(segment, SHM_LOCK, NULL));
	CHECK_EQ(mode_of(segment), 0600 | SHM_LOCKED);
	CHECK_OK(shmctl(segment, SHM_LOCK, NULL));
	CHECK_OK(shmctl(segment, SHM_UNLOCK, NULL));
	CHECK_EQ(mode_of(segment), 0600);
	CHECK_OK(shmctl(segment, SHM_UNLOCK, NULL));
}

CASE(shmctl_set_keeps_the_lock)
{
	int segment = new_segment(100);
	CHECK_OK(shmctl(segment, SHM_LOCK, NULL));
	struct shmid_ds status = status_of(segment);
	status.shm_perm.mode = 0640;
	CHECK_OK(shmctl(segment, IPC_SET, &status));
	CHECK_EQ(mode_of(segment), 0640 | SHM_LOCKED);
}
