/* sem_worker NAME FILE SLOT: waits on and posts the semaphore NAME until it is told to stop, or
 * killed. What it is doing stands in its slot of FILE, so that tests/storm_sem.rs can tell what a
 * kill cost. */
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* As in tests/storm_sem.rs. */
enum command { WORK, PAUSE, STOP };
enum state { STARTING, IDLE, TAKING, HOLDING, GIVING, PAUSED };

struct slot {
	_Alignas(64) uint32_t state;
	uint64_t turns;
};

struct board {
	_Alignas(64) uint32_t command;
	struct slot slots[16];
};

static struct board *board;
static struct slot *mine;
static unsigned chance;

/* A number below `limit`. */
static unsigned draw(unsigned limit)
{
	chance = chance * 1664525 + 1013904223;
	return (unsigned)((uint64_t)(chance >> 8) * limit >> 24);
}

static void enter(enum state state)
{
	__atomic_store_n(&mine->state, state, __ATOMIC_SEQ_CST);
}

static uint32_t command(void)
{
	return __atomic_load_n(&board->command, __ATOMIC_SEQ_CST);
}

static void pass_time(unsigned microseconds)
{
	if (draw(2))
		usleep(microseconds);
	else
		for (volatile unsigned i = 0; i < microseconds * 10; i++)
			;
}

/* In one of the ways there are; 0 = taken. */
static int take(sem_t *sem)
{
	struct timespec until;
	switch (draw(4)) {
	case 0:
		return sem_trywait(sem);
	case 1:
		clock_gettime(CLOCK_REALTIME, &until);
		if ((until.tv_nsec += draw(1000000)) >= 1000000000)
			until.tv_nsec -= 1000000000, until.tv_sec++;
		return sem_timedwait(sem, &until);
	default:
		return sem_wait(sem);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int fd = open(argv[2], O_RDWR);
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sem_t *sem = sem_open(argv[1], 0);
	if (fd == -1 || board == MAP_FAILED || sem == SEM_FAILED) {
		perror(argv[1]);
		return 1;
	}
	mine = &board->slots[atoi(argv[3])];
	chance = (unsigned)getpid();
	while (command() != STOP) {
		if (command() == PAUSE) {
			enter(PAUSED);
			usleep(50);
			continue;
		}
		enter(TAKING);
		if (take(sem) == 0) {
			enter(HOLDING);
			pass_time(draw(100));
			enter(GIVING);
			if (sem_post(sem) != 0)
				return 1;
		}
		enter(IDLE);
		__atomic_fetch_add(&mine->turns, 1, __ATOMIC_SEQ_CST);
		pass_time(draw(20));
	}
	enter(PAUSED);
	return 0;
}
