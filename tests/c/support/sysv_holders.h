/* Processes that hold something with SEM_UNDO, and end. */
#ifndef SUPPORT_SYSV_HOLDERS_H
#define SUPPORT_SYSV_HOLDERS_H

#include "holder.h"
#include "sysv_sleepers.h"

/* A child that has done these operations, and lives on. */
__attribute__((unused)) static struct holder *holder_of(int set, const struct sembuf *ops,
							size_t count)
{
	struct holder *self = common_memory(sizeof *self);
	pid_t pid = check_fork();
	if (pid == 0) {
		CHECK_OK(semop(set, (struct sembuf *)ops, count));
		hold_until_told(self);
	}
	return await_holder(self, pid);
}

#define HOLDER(set, ...) holder_of(set, OPS(__VA_ARGS__))

#endif
