/* Where there is little memory for segments: an errno when one is made, and no signal later. */
#include "../support/private_shm.h"
#include "../support/sysv_shm.h"

enum { SIZE = 100000, MOST = 64 };

/* A /dev/shm of 1 MiB. The kernel's segments do not lie there. */
static void little_room(void)
{
	private_tmpfs("/dev/shm", 0, "size=1m");
}

static int segments[MOST], count;

/* Segments until there is no space for another one. */
static void fill(void)
{
	for (count = 0; count < MOST; count++) {
		int segment = shmget(IPC_PRIVATE, SIZE, 0600);
		if (segment == -1) {
			CHECK(errno == ENOSPC || errno == ENOMEM);
			return;
		}
		segments[count] = noted(segment);
	}
}

CASE(shmget_without_space_is_an_errno_and_no_signal)
{
	little_room();
	fill();
	CHECK(count >= 5);
	for (int i = 0; i < count; i++)
		memset(attach(segments[i]), 'x', SIZE);
}

CASE(shmget_has_space_again_after_rmid)
{
	little_room();
	fill();
	int before = count;
	for (int i = 0; i < count; i++)
		remove_segment(segments[i]);
	CHECK_EQ(entries_in("/dev/shm"), 0);
	fill();
	CHECK_EQ(count, before);
}

CASE(shmget_has_space_again_after_the_last_death)
{
	little_room();
	fill();
	int before = count;
	pid_t child = check_fork();
	if (child == 0) {
		for (int i = 0; i < count; i++)
			memset(attach(segments[i]), 'x', SIZE);
		for (int i = 0; i < count; i++)
			remove_segment(segments[i]);
		raise(SIGKILL);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	fill();
	CHECK_EQ(count, before);
}

CASE(shmget_larger_than_the_space_leaves_nothing)
{
	little_room();
	int segment = shmget(own_key(0), 1 << 22, IPC_CREAT | 0600);
	if (segment == -1) {
		CHECK(errno == ENOSPC || errno == ENOMEM);
		CHECK_FAILS(shmget(own_key(0), 1, 0600), ENOENT);
		segment = shmget(own_key(0), 1 << 16, IPC_CREAT | IPC_EXCL | 0600);
	}
	char *at = attach(noted(segment));
	memset(at, 'x', 1 << 16);
	remove_segment(segment);
	CHECK_OK(shmdt(at));
	CHECK_EQ(entries_in("/dev/shm"), 0);
}
