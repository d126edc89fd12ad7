/* Modes that let a class of users execute, and nothing else: to find an object is all that can be
 * asked for then. */
#include "../support/nobody.h"
#include "../support/sysv_families.h"

enum { OTHER_USER = 4320, OTHER_GROUP = 4321 };

static void removes(void)
{
	CHECK_OK(semctl(made->set, 0, IPC_RMID));
	CHECK_OK(msgctl(made->queue, IPC_RMID, NULL));
	CHECK_OK(shmctl(made->segment, IPC_RMID, NULL));
}

static void finds(int flags)
{
	CHECK_EQ(semget(own_key(0), 0, flags), made->set);
	CHECK_EQ(msgget(own_key(0), flags), made->queue);
	CHECK_EQ(shmget(own_key(0), 0, flags), made->segment);
}

static void is_refused(int flags)
{
	CHECK_FAILS(semget(own_key(0), 0, flags), EACCES);
	CHECK_FAILS(msgget(own_key(0), flags), EACCES);
	CHECK_FAILS(shmget(own_key(0), 0, flags), EACCES);
}

static void may_execute(void)
{
	struct shmid_ds status;
	int flags[] = { 0, 0100, 0010, 0001, 0111, IPC_CREAT | 0100 };
	for (int i = 0; i < 6; i++)
		finds(flags[i]);
	is_refused(0500);
	is_refused(0004);
	is_refused(0002);
	CHECK_ATTACH_FAILS(shmat(made->segment, NULL, SHM_RDONLY), EACCES);
	CHECK_ATTACH_FAILS(shmat(made->segment, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
	CHECK_FAILS(shmctl(made->segment, IPC_STAT, &status), EACCES);
	CHECK_FAILS(semctl(made->set, 0, GETVAL), EACCES);
	CHECK_FAILS(semop(made->set, &(struct sembuf){ 0, 1, 0 }, 1), EACCES);
	CHECK_FAILS(msgrcv(made->queue, made, 0, 0, IPC_NOWAIT), EACCES);
}

static void may_nothing(void)
{
	finds(0);
	is_refused(0100);
	is_refused(0001);
	is_refused(0111);
}

/* Objects of root with this mode, and a user who had no part in their making. */
static void with_mode(int mode, gid_t group, void (*body)(void))
{
	pid_t maker = check_fork();
	if (maker == 0) {
		make_of_each_family(mode);
		_exit(0);
	}
	check_child(maker);
	pid_t child = check_fork();
	if (child == 0) {
		become_user(OTHER_USER, group);
		body();
		_exit(0);
	}
	check_child(child);
	removes();
}

CASE(sysv_modes_of_execute_bits_alone)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root becomes other users");
	made = common_memory(sizeof *made);
	with_mode(0601, OTHER_GROUP, may_execute);
	with_mode(0001, OTHER_GROUP, may_execute);
	with_mode(0610, OTHER_GROUP, may_nothing);
	with_mode(0610, 0, may_execute);
	with_mode(0601, 0, may_nothing);
	with_mode(0011, 0, may_execute);
	with_mode(0600, OTHER_GROUP, may_nothing);
	with_mode(0100, 0, may_nothing);
}

static void owner_may_execute(void)
{
	int modes[] = { 0100, 0111, 0166 };
	for (int i = 0; i < 3; i++) {
		make_of_each_family(modes[i]);
		may_execute();
		removes();
	}
	make_of_each_family(0011);
	may_nothing();
	removes();
}

CASE(sysv_modes_of_execute_bits_alone_for_the_owner)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root becomes other users");
	made = common_memory(sizeof *made);
	pid_t child = check_fork();
	if (child == 0) {
		become_user(OTHER_USER, OTHER_GROUP);
		owner_may_execute();
		_exit(0);
	}
	check_child(child);
}
