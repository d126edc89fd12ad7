/* IPC_RMID: at once, or with the last attachment. */
#include "../support/asleep.h"
#include "../support/sysv_shm.h"

CASE(shmctl_rmid_removes_what_no_process_has_attached)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	struct shmid_ds status;
	CHECK_OK(shmctl(segment, IPC_RMID, NULL));
	CHECK_FAILS(shmctl(segment, IPC_STAT, &status), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, NULL, 0), EINVAL);
	CHECK_FAILS(shmctl(segment, IPC_RMID, NULL), EINVAL);
	CHECK_FAILS(shmget(own_key(0), 100, 0600), ENOENT);
}

CASE(shmctl_rmid_takes_no_notice_of_its_argument)
{
	CHECK_OK(shmctl(new_segment(1), IPC_RMID, (struct shmid_ds *)1));
}

CASE(shmctl_rmid_with_attachments_leaves_the_memory)
{
	int segment = new_segment(100);
	char *at = attach(segment);
	strcpy(at, "text");
	remove_segment(segment);
	CHECK(strcmp(at, "text") == 0);
	strcpy(at, "more");
	CHECK(strcmp(at, "more") == 0);
}

CASE(shmctl_rmid_with_attachments_shows_in_the_mode)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0640));
	attach(segment);
	remove_segment(segment);
	struct shmid_ds status = status_of(segment);
	CHECK_EQ(status.shm_perm.mode, 0640 | SHM_DEST);
	CHECK_EQ(status.shm_perm.__key, 0);
	CHECK_EQ(status.shm_segsz, 100);
	CHECK_EQ(status.shm_nattch, 1);
}

CASE(shmctl_rmid_with_attachments_frees_the_key)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	char *at = attach(segment);
	strcpy(at, "old");
	remove_segment(segment);
	CHECK_FAILS(shmget(own_key(0), 100, 0600), ENOENT);
	int other = noted(shmget(own_key(0), 200, IPC_CREAT | IPC_EXCL | 0600));
	CHECK(other != segment);
	CHECK_EQ(attach(other)[0], 0);
	CHECK(strcmp(at, "old") == 0);
}

CASE(shmctl_rmid_a_second_time_succeeds_while_it_is_attached)
{
	int segment = new_segment(100);
	char *at = attach(segment);
	remove_segment(segment);
	remove_segment(segment);
	CHECK_OK(shmdt(at));
	CHECK_FAILS(shmctl(segment, IPC_RMID, NULL), EINVAL);
}

CASE(shmat_goes_on_by_id_after_rmid)
{
	int segment = new_segment(5000);
	char *at = attach(segment);
	remove_segment(segment);
	char *again = attach(segment);
	CHECK(again != at);
	strcpy(again + 4990, "same");
	CHECK(strcmp(at + 4990, "same") == 0);
	CHECK_EQ(attached(segment), 2);
}

CASE(shmat_after_rmid_by_the_one_that_inherited_it)
{
	int segment = new_segment(100);
	char *at = attach(segment);
	remove_segment(segment);
	pid_t child = check_fork();
	if (child == 0) {
		char *again = attach(segment);
		strcpy(again, "from the child");
		CHECK_OK(shmdt(again));
		CHECK_OK(shmdt(at));
		_exit(0);
	}
	check_child(child);
	CHECK(strcmp(at, "from the child") == 0);
	CHECK_EQ(attached(segment), 1);
}

CASE(shmat_after_rmid_where_one_wants)
{
	int segment = new_segment(2 * page_size());
	char *at = attach(segment), *there = free_pages(2);
	remove_segment(segment);
	CHECK_ATTACH_FAILS(shmat(segment, at, 0), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, at + page_size(), 0), EINVAL);
	CHECK(attach_with(segment, there + 1, SHM_RND) == there);
	at[page_size()] = 'a';
	CHECK_EQ(there[page_size()], 'a');
	CHECK_OK(shmdt(at));
	CHECK(attach_with(segment, there, SHM_REMAP) == there);
	CHECK_EQ(there[page_size()], 'a');
	CHECK_EQ(attached(segment), 1);
}

CASE(shmat_after_rmid_read_only)
{
	int segment = new_segment(100);
	char *at = attach(segment);
	remove_segment(segment);
	char *reader = attach_with(segment, NULL, SHM_RDONLY);
	strcpy(at, "seen");
	CHECK(strcmp(reader, "seen") == 0);
	/* It cannot be written to as it is. */
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_FAILS(read(ends[0], reader, 1), EFAULT);
}

CASE(shmctl_the_last_detach_after_rmid_destroys_it)
{
	int segment = new_segment(100);
	struct shmid_ds status;
	char *one = attach(segment), *other = attach(segment);
	remove_segment(segment);
	CHECK_OK(shmdt(one));
	CHECK_EQ(attached(segment), 1);
	CHECK_OK(shmdt(other));
	CHECK_FAILS(shmctl(segment, IPC_STAT, &status), EINVAL);
	CHECK_ATTACH_FAILS(shmat(segment, NULL, 0), EINVAL);
}

CASE(shmctl_the_last_death_after_rmid_destroys_it)
{
	int segment = new_segment(100);
	struct gate ready = new_gate();
	pid_t child = check_fork();
	if (child == 0) {
		attach(segment);
		open_gate(&ready);
		pause();
	}
	await_gate(&ready);
	remove_segment(segment);
	CHECK_EQ(attached(segment), 1);
	CHECK_EQ(mode_of(segment), 0600 | SHM_DEST);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_SOON(is_destroyed(segment));
	CHECK_ATTACH_FAILS(shmat(segment, NULL, 0), EINVAL);
}

CASE(shmctl_set_after_rmid_keeps_the_mark)
{
	int segment = new_segment(100);
	attach(segment);
	remove_segment(segment);
	struct shmid_ds status = status_of(segment);
	status.shm_perm.mode = 0644;
	CHECK_OK(shmctl(segment, IPC_SET, &status));
	CHECK_EQ(mode_of(segment), 0644 | SHM_DEST);
}

CASE(shmctl_rmid_before_the_children_attach)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	remove_segment(segment);
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_ATTACH_FAILS(shmat(segment, NULL, 0), EINVAL);
		_exit(0);
	}
	check_child(child);
}

CASE(shmctl_rmid_by_another_process)
{
	int segment = noted(shmget(own_key(0), 100, IPC_CREAT | 0600));
	char *at = attach(segment);
	strcpy(at, "text");
	in_child(remove_segment, segment);
	CHECK_EQ(mode_of(segment), 0600 | SHM_DEST);
	CHECK(strcmp(attach(segment), "text") == 0);
	CHECK_FAILS(shmget(own_key(0), 100, 0600), ENOENT);
}

CASE(shmctl_one_of_many_removes_it)
{
	enum { REMOVERS = 8 };
	for (int round = 0; round < 10; round++) {
		int segment = noted(shmget(own_key(round), 100, IPC_CREAT | 0600)), removed = 0;
		struct gate gate = new_gate();
		pid_t child[REMOVERS];
		for (int i = 0; i < REMOVERS; i++) {
			child[i] = check_fork();
			if (child[i] == 0) {
				await_gate(&gate);
				_exit(shmctl(segment, IPC_RMID, NULL) == 0 ? 0 : 1);
			}
		}
		for (int i = 0; i < REMOVERS; i++)
			open_gate(&gate);
		for (int i = 0; i < REMOVERS; i++) {
			int status;
			CHECK_EQ(waitpid(child[i], &status, 0), child[i]);
			removed += status == 0;
		}
		CHECK_EQ(removed, 1);
		CHECK_FAILS(shmget(own_key(round), 100, 0600), ENOENT);
	}
}

static int the_segment;

static void *goes_on_alone(void *at)
{
	CHECK_SOON(state_of(getpid(), getpid()) == 'Z');
	remove_segment(the_segment);
	char *again = attach(the_segment);
	CHECK(strcmp(again, "text") == 0);
	CHECK_EQ(status_of(the_segment).shm_nattch, 2);
	CHECK_OK(shmdt(again));
	/* Only the kernel knows of both halves. */
	CHECK_OK(mprotect((char *)at + page_size(), page_size(), PROT_READ));
	CHECK_OK(shmdt(at));
	CHECK_SOON(is_destroyed(the_segment));
	_exit(0);
}

CASE(shmctl_rmid_by_a_process_whose_first_thread_has_ended_leaves_the_memory)
{
	the_segment = new_segment(3 * page_size());
	pid_t child = check_fork();
	if (child == 0) {
		pthread_t thread;
		char *at = attach(the_segment);
		strcpy(at, "text");
		CHECK_EQ(pthread_create(&thread, NULL, goes_on_alone, at), 0);
		pthread_exit(NULL);
	}
	check_child(child);
}
