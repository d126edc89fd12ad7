/* IPC_SET of the group by a creator without privileges that is in that group: its members get what
 * the mode gives them. */
#include "../support/common_memory.h"
#include "../support/check.h"

#include <grp.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { CREATOR = 61001, MEMBER = 61002, STRANGER = 61003, GROUP = 61100, OTHER_GROUP = 61101 };

static struct made {
	int set, queue, segment;
} *made;

static void become(int user, int group)
{
	gid_t further = (gid_t)group;
	CHECK_OK(setgroups(1, &further));
	CHECK_OK(setresgid((gid_t)user, (gid_t)user, (gid_t)user));
	CHECK_OK(setresuid((uid_t)user, (uid_t)user, (uid_t)user));
}

/* In a child that is this user. */
static void as(int user, int group, void (*act)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		become(user, group);
		act();
		_exit(0);
	}
	check_child(child);
}

static void give_to_group(struct ipc_perm *permission)
{
	permission->gid = GROUP;
	permission->mode = 0660;
}

static void creates(void)
{
	struct semid_ds set;
	struct msqid_ds queue;
	struct shmid_ds segment;
	made->set = semget(IPC_PRIVATE, 1, 0600);
	made->queue = msgget(IPC_PRIVATE, 0600);
	made->segment = shmget(IPC_PRIVATE, 4096, 0600);
	CHECK_OK(semctl(made->set, 0, IPC_STAT, &set));
	CHECK_OK(msgctl(made->queue, IPC_STAT, &queue));
	CHECK_OK(shmctl(made->segment, IPC_STAT, &segment));
	give_to_group(&set.sem_perm);
	give_to_group(&queue.msg_perm);
	give_to_group(&segment.shm_perm);
	CHECK_OK(semctl(made->set, 0, IPC_SET, &set));
	CHECK_OK(msgctl(made->queue, IPC_SET, &queue));
	CHECK_OK(shmctl(made->segment, IPC_SET, &segment));
}

struct message {
	long type;
	char body[4];
};

static void uses(void)
{
	struct sembuf up = { 0, 1, 0 };
	struct message message = { 1, "abc" };
	CHECK_OK(semop(made->set, &up, 1));
	CHECK_OK(msgsnd(made->queue, &message, sizeof message.body, 0));
	void *memory = shmat(made->segment, NULL, 0);
	CHECK(memory != (void *)-1);
	CHECK_OK(shmdt(memory));
}

static void is_refused(void)
{
	struct sembuf up = { 0, 1, 0 };
	struct message message = { 1, "abc" };
	CHECK_FAILS(semop(made->set, &up, 1), EACCES);
	CHECK_FAILS(msgsnd(made->queue, &message, sizeof message.body, 0), EACCES);
	CHECK_FAILS_AS(shmat(made->segment, NULL, 0), (void *)-1, EACCES);
}

static void removes(void)
{
	CHECK_OK(semctl(made->set, 0, IPC_RMID));
	CHECK_OK(msgctl(made->queue, IPC_RMID, NULL));
	CHECK_OK(shmctl(made->segment, IPC_RMID, NULL));
}

CASE(sysv_ipc_set_of_the_group_lets_its_members_in)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root becomes other users");
	made = common_memory(sizeof *made);
	as(CREATOR, GROUP, creates);
	as(MEMBER, GROUP, uses);
	as(CREATOR, GROUP, uses);
	as(STRANGER, OTHER_GROUP, is_refused);
	as(CREATOR, GROUP, removes);
}

enum { MANY = 1500 };

CASE(semop_by_a_member_of_the_group_who_is_in_many_others)
{
	gid_t groups[MANY];
	struct semid_ds set;
	if (geteuid() != 0)
		CHECK_SKIP("only root becomes other users");
	made = common_memory(sizeof *made);
	made->set = semget(IPC_PRIVATE, 1, 0600);
	CHECK_OK(semctl(made->set, 0, IPC_STAT, &set));
	give_to_group(&set.sem_perm);
	CHECK_OK(semctl(made->set, 0, IPC_SET, &set));
	for (gid_t i = 0; i < MANY; i++)
		groups[i] = GROUP - MANY + 1 + i;
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(setgroups(MANY, groups));
		CHECK_OK(setresgid(MEMBER, MEMBER, MEMBER));
		CHECK_OK(setresuid(MEMBER, MEMBER, MEMBER));
		CHECK_OK(semop(made->set, &(struct sembuf){ 0, 1, 0 }, 1));
		_exit(0);
	}
	check_child(child);
	CHECK_OK(semctl(made->set, 0, IPC_RMID));
}
