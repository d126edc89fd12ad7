/* What the checks of System V shared memory have in common: segments that are removed at the end,
 * and what is told of them. */
#ifndef SUPPORT_SYSV_SHM_H
#define SUPPORT_SYSV_SHM_H

#include <stdint.h>
#include <sys/shm.h>
#include "sysv.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

/* What shmat(2) returns when it fails. */
#define NOWHERE ((void *)-1)

#define CHECK_ATTACH_FAILS(call, want) CHECK_FAILS_AS(call, NOWHERE, want)

static void remove_noted_segment(int segment)
{
	shmctl(segment, IPC_RMID, NULL);
}

/* To be asked by CHECK_SOON where a process that had it attached has ended, as a number of
 * attachments is: another process that reads the maps of that one keeps its memory for a moment,
 * and the kernel's attachment with it, also after waitpid(2). */
__attribute__((unused)) static int is_destroyed(int segment)
{
	struct shmid_ds status;
	return shmctl(segment, IPC_STAT, &status) == -1 && errno == EINVAL;
}

/* A segment that shmget() has just made: removed when the case is over. */
__attribute__((unused)) static int noted(int segment)
{
	return note_object(segment, remove_noted_segment);
}

__attribute__((unused)) static int new_segment_with_mode(size_t size, int mode)
{
	return noted(shmget(IPC_PRIVATE, size, mode));
}

__attribute__((unused)) static int new_segment(size_t size)
{
	return new_segment_with_mode(size, 0600);
}

__attribute__((unused)) static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

__attribute__((unused)) static char *attach_with(int segment, const void *address, int flags)
{
	void *at = shmat(segment, address, flags);
	if (at == NOWHERE)
		check_fail(__FILE__, __LINE__, "shmat failed: %s", strerror(errno));
	return at;
}

__attribute__((unused)) static char *attach(int segment)
{
	return attach_with(segment, NULL, 0);
}

/* Pages that nothing is mapped in. */
__attribute__((unused)) static char *free_pages(size_t pages)
{
	size_t size = pages * page_size();
	char *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_OK(munmap(memory, size));
	return memory;
}

__attribute__((unused)) static struct shmid_ds status_of(int segment)
{
	struct shmid_ds status;
	memset(&status, 0xa5, sizeof status);
	CHECK_OK(shmctl(segment, IPC_STAT, &status));
	return status;
}

__attribute__((unused)) static int attached(int segment)
{
	return (int)status_of(segment).shm_nattch;
}

__attribute__((unused)) static int mode_of(int segment)
{
	return status_of(segment).shm_perm.mode;
}

__attribute__((unused)) static void remove_segment(int segment)
{
	CHECK_OK(shmctl(segment, IPC_RMID, NULL));
}

/* The id of a segment that is no more. */
__attribute__((unused)) static int removed_segment(void)
{
	int segment = new_segment(1);
	remove_segment(segment);
	return segment;
}

/* A child that does this, and is waited for. */
__attribute__((unused)) static void in_child(void (*body)(int segment), int segment)
{
	pid_t child = check_fork();
	if (child == 0) {
		body(segment);
		_exit(0);
	}
	check_child(child);
}

/* Two ends between which a child can be held. */
struct gate {
	int ends[2];
};

__attribute__((unused)) static struct gate new_gate(void)
{
	struct gate gate;
	CHECK_OK(pipe2(gate.ends, O_CLOEXEC));
	return gate;
}

__attribute__((unused)) static void open_gate(struct gate *gate)
{
	CHECK_EQ(write(gate->ends[1], "x", 1), 1);
}

__attribute__((unused)) static void await_gate(struct gate *gate)
{
	char byte;
	CHECK_EQ(read(gate->ends[0], &byte, 1), 1);
}

#endif
