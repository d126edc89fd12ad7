/* Objects of all three families in a directory that gives its own group to all files: one with the
 * set-group-ID bit. A member of the group of their creator may do what the mode says, as with the
 * kernel's objects, which lie in no directory. */
#include "../support/nobody.h"
#include "../support/private_shm.h"
#include "../support/sysv_families.h"

enum { CREATOR = 61001, MEMBER = 61002, STRANGER = 61003, GROUP = 61100, OTHER_GROUP = 61101 };

static void as(uid_t user, gid_t group, void (*act)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		become_user(user, group);
		act();
		_exit(0);
	}
	check_child(child);
}

static void creates(void)
{
	make_of_each_family(0660);
}

static void uses(void)
{
	struct {
		long type;
		char body[4];
	} message = { 1, "abc" };
	CHECK_EQ(semget(own_key(0), 1, 0600), made->set);
	CHECK_EQ(msgget(own_key(0), 0600), made->queue);
	CHECK_EQ(shmget(own_key(0), 100, 0600), made->segment);
	CHECK_OK(semop(made->set, &(struct sembuf){ 0, 1, 0 }, 1));
	CHECK_OK(msgsnd(made->queue, &message, sizeof message.body, 0));
	CHECK_OK(shmdt(attach(made->segment)));
}

static void is_refused(void)
{
	CHECK_FAILS(semget(own_key(0), 1, 0600), EACCES);
	CHECK_FAILS(msgget(own_key(0), 0600), EACCES);
	CHECK_FAILS(shmget(own_key(0), 100, 0600), EACCES);
	CHECK_FAILS(semop(made->set, &(struct sembuf){ 0, 1, 0 }, 1), EACCES);
	CHECK_ATTACH_FAILS(shmat(made->segment, NULL, 0), EACCES);
}

static void removes(void)
{
	CHECK_OK(semctl(made->set, 0, IPC_RMID));
	CHECK_OK(msgctl(made->queue, IPC_RMID, NULL));
	CHECK_OK(shmctl(made->segment, IPC_RMID, NULL));
}

/* The group of the directory is OTHER_GROUP, which is nothing to the objects. */
CASE(sysv_objects_are_for_the_group_of_their_creator_in_any_directory)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root becomes other users");
	private_tmpfs("/dev/shm", 0, "mode=3777,gid=61101");
	made = common_memory(sizeof *made);
	as(CREATOR, GROUP, creates);
	as(MEMBER, GROUP, uses);
	as(STRANGER, OTHER_GROUP, is_refused);
	as(CREATOR, GROUP, removes);
}
