/* Eight processes create, open and unlink the same name at the same time. */
#include "../support/sem.h"

enum { RACERS = 8 };

/* What the racers have in common. */
struct course {
	pthread_barrier_t barrier;
	int created, opened, bad;
};

static struct course *new_course(void)
{
	struct course *course = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				     -1, 0);
	CHECK(course != MAP_FAILED);
	pthread_barrierattr_t shared;
	CHECK_EQ(pthread_barrierattr_init(&shared), 0);
	CHECK_EQ(pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQ(pthread_barrier_init(&course->barrier, &shared, RACERS), 0);
	return course;
}

static void add(int *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
}

typedef void step(struct course *, const char *name);

/* Runs `body` in eight processes, each round on a name of its own and begun together; then one
 * looks. */
static void race(int rounds, step *body, step *look)
{
	struct course *course = new_course();
	const char *base = check_name("race");
	pid_t pids[RACERS];
	for (int i = 0; i < RACERS; i++)
		if ((pids[i] = check_fork()) == 0) {
			for (int round = 0; round < rounds; round++) {
				char name[100];
				snprintf(name, sizeof name, "%s%d", base, round);
				pthread_barrier_wait(&course->barrier);
				body(course, name);
				pthread_barrier_wait(&course->barrier);
				if (i == 0) {
					look(course, name);
					sem_unlink(name);
				}
			}
			_exit(0);
		}
	for (int i = 0; i < RACERS; i++)
		check_child(pids[i]);
}

static void creates_exclusively(struct course *course, const char *name)
{
	sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 5);
	if (sem != SEM_FAILED) {
		add(&course->created);
		CHECK_EQ(value_of(sem), 5);
		CHECK_OK(sem_close(sem));
	} else {
		CHECK_EQ(errno, EEXIST);
	}
}

static void one_has_created(struct course *course, const char *name)
{
	(void)name;
	CHECK_EQ(__atomic_exchange_n(&course->created, 0, __ATOMIC_SEQ_CST), 1);
}

CASE(sem_race_for_o_excl_has_one_winner)
{
	race(300, creates_exclusively, one_has_created);
}

static void creates_or_opens(struct course *course, const char *name)
{
	sem_t *sem = sem_open(name, O_CREAT, 0600, 5);
	CHECK(sem != SEM_FAILED);
	int value = value_of(sem);
	if (value < 5 || value >= 5 + RACERS)
		add(&course->bad);
	CHECK_OK(sem_post(sem));
	CHECK_OK(sem_close(sem));
}

static void all_meant_the_same(struct course *course, const char *name)
{
	sem_t *sem = sem_open(name, 0);
	CHECK(sem != SEM_FAILED);
	CHECK_EQ(course->bad, 0);
	CHECK_EQ(value_of(sem), 5 + RACERS);
	CHECK_OK(sem_close(sem));
}

CASE(sem_race_to_create_or_open_ends_in_one_semaphore)
{
	race(300, creates_or_opens, all_meant_the_same);
}

static void creates_or_finds(struct course *course, const char *name)
{
	sem_t *sem = sem_open(name, 0);
	if (sem == SEM_FAILED) {
		CHECK_EQ(errno, ENOENT);
		sem = sem_open(name, O_CREAT, 0600, SEM_VALUE_MAX);
		CHECK(sem != SEM_FAILED);
	}
	/* Half made, it would be 0 or no semaphore at all. */
	CHECK_EQ(value_of(sem), SEM_VALUE_MAX);
	CHECK_FAILS(sem_post(sem), EOVERFLOW);
	CHECK_OK(sem_close(sem));
	add(&course->opened);
}

static void all_have_opened(struct course *course, const char *name)
{
	(void)name;
	CHECK_EQ(__atomic_exchange_n(&course->opened, 0, __ATOMIC_SEQ_CST), RACERS);
}

CASE(sem_race_shows_no_process_half_a_semaphore)
{
	race(300, creates_or_finds, all_have_opened);
}

static void unlinks(struct course *course, const char *name)
{
	if (sem_unlink(name) == 0)
		add(&course->opened);
	else
		CHECK_EQ(errno, ENOENT);
}

static void creates_then_all_unlink(struct course *course, const char *name)
{
	creates_exclusively(course, name);
	unlinks(course, name);
}

static void as_many_unlinked_as_created(struct course *course, const char *name)
{
	CHECK_FAILS_AS(sem_open(name, 0), SEM_FAILED, ENOENT);
	int created = __atomic_exchange_n(&course->created, 0, __ATOMIC_SEQ_CST);
	int unlinked = __atomic_exchange_n(&course->opened, 0, __ATOMIC_SEQ_CST);
	CHECK(created >= 1);
	CHECK_EQ(unlinked, created);
}

CASE(sem_race_unlinks_as_often_as_it_creates)
{
	race(300, creates_then_all_unlink, as_many_unlinked_as_created);
}

/* Everything at once on one name: a process that gets a semaphore gets a whole one. */
static void storm(const char *name, unsigned seed)
{
	for (int i = 0; i < 3000; i++) {
		int dice = rand_r(&seed) % 4;
		if (dice == 0) {
			if (sem_unlink(name) == -1)
				CHECK_EQ(errno, ENOENT);
			continue;
		}
		int flags = dice == 1 ? O_CREAT | O_EXCL : dice == 2 ? O_CREAT : 0;
		sem_t *sem = sem_open(name, flags, 0600, 77);
		if (sem == SEM_FAILED) {
			CHECK_EQ(errno, dice == 1 ? EEXIST : ENOENT);
			CHECK(dice != 2);
			continue;
		}
		CHECK_EQ(value_of(sem), 77);
		CHECK_OK(sem_close(sem));
	}
}

CASE(sem_storm_of_create_open_and_unlink)
{
	const char *name = check_name("storm");
	pid_t pids[RACERS];
	for (int i = 0; i < RACERS; i++)
		if ((pids[i] = check_fork()) == 0) {
			storm(name, (unsigned)i);
			_exit(0);
		}
	for (int i = 0; i < RACERS; i++)
		check_child(pids[i]);
}

static void *storm_in_thread(void *name)
{
	storm(name, (unsigned)gettid());
	return NULL;
}

CASE(sem_storm_of_create_open_and_unlink_in_threads)
{
	const char *name = check_name("storm");
	pthread_t threads[RACERS];
	for (int i = 0; i < RACERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, storm_in_thread, (void *)name), 0);
	for (int i = 0; i < RACERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}
