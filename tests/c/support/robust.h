/* Processes that use a semaphore robustly, and end. */
#ifndef SUPPORT_ROBUST_H
#define SUPPORT_ROBUST_H

#include <rsipc.h>
#include "holder.h"
#include "sem.h"

__attribute__((unused)) static unsigned ledger_of(sem_t *sem)
{
	return ((uint32_t *)(void *)sem)[7];
}

__attribute__((unused)) static const char *ledger_path(sem_t *sem)
{
	static char path[64];
	snprintf(path, sizeof path, "/dev/shm/rsipc-rs.%08x", ledger_of(sem));
	return path;
}

/* The ledgers of a case, in memory that it shares with the one that cleans up. */
static unsigned *robust_ledgers;

/* Those whose semaphores have no name stay when their processes are killed. */
static void robust_remove_ledgers(void)
{
	char path[64];
	for (int i = 0; robust_ledgers && i < 64; i++) {
		snprintf(path, sizeof path, "/dev/shm/rsipc-rs.%08x", robust_ledgers[i]);
		if (robust_ledgers[i])
			unlink(path);
	}
}

__attribute__((constructor)) static void robust_clean_up(void)
{
	robust_ledgers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0);
	CHECK(robust_ledgers != MAP_FAILED);
	check_remove_more = robust_remove_ledgers;
}

__attribute__((unused)) static void robust_note(sem_t *sem)
{
	for (int i = 0; i < 64; i++) {
		unsigned free = 0, number = ledger_of(sem);
		if (robust_ledgers[i] == number ||
		    __atomic_compare_exchange_n(&robust_ledgers[i], &free, number, 0,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return;
	}
}

/* rsipc_sem_setrobust, and a note of what is to be removed in the end. */
__attribute__((unused)) static void make_robust(sem_t *sem)
{
	CHECK_OK(rsipc_sem_setrobust(sem));
	CHECK(ledger_of(sem) != 0);
	robust_note(sem);
}

__attribute__((unused)) static sem_t *robust_sem(unsigned value)
{
	sem_t *sem = shared_sem(value);
	make_robust(sem);
	return sem;
}

/* A child that has done this, and lives on. */
__attribute__((unused)) static struct holder *holder_of(sem_t *sem, void (*act)(sem_t *))
{
	struct holder *self = common_memory(sizeof *self);
	pid_t pid = check_fork();
	if (pid == 0) {
		act(sem);
		hold_until_told(self);
	}
	return await_holder(self, pid);
}

__attribute__((unused)) static void take_one(sem_t *sem)
{
	CHECK_OK(sem_wait(sem));
}

/* The value stays so: what may change it has had its time. */
__attribute__((unused)) static void check_stays(sem_t *sem, int value)
{
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(value_of(sem), value);
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
}

#endif
