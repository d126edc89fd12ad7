/* The user and the group of setfsuid(3) and setfsgid(3), which decide about files: a System V
 * object always belongs to the effective user, and the group's for files. The cases need root,
 * to become another user. */
#include <sys/fsuid.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include "../support/nobody.h"
#include "../support/sysv_shm.h"

enum { OTHER_USER = 4320, OTHER_GROUP = 4321 };

/* Objects of the case. A child makes them, so that no other process has used them yet. */
static struct objects {
	int segment, set, queue;
} * objects;

static void remove_set(int set)
{
	semctl(set, 0, IPC_RMID);
}

static void remove_queue(int queue)
{
	msgctl(queue, IPC_RMID, NULL);
}

static void make_objects(int mode)
{
	objects->segment = noted(shmget(IPC_PRIVATE, 100, mode));
	objects->set = note_object(semget(IPC_PRIVATE, 1, mode), remove_set);
	objects->queue = note_object(msgget(IPC_PRIVATE, mode), remove_queue);
}

static void as(uid_t user, gid_t group, int mode)
{
	if (geteuid() != 0)
		CHECK_SKIP("needs root to become another user");
	if (!objects)
		objects = common_memory(sizeof *objects);
	pid_t child = check_fork();
	if (child == 0) {
		become_user(user, group);
		make_objects(mode);
		_exit(0);
	}
	check_child(child);
}

static void may_all(void)
{
	struct { long type; char text[8]; } message = { 1, "text" };
	struct sembuf up = { 0, 1, 0 };
	char *at = attach(objects->segment);
	at[0] = 's';
	CHECK_OK(shmdt(at));
	CHECK_OK(shmdt(attach_with(objects->segment, NULL, SHM_RDONLY)));
	CHECK_OK(semop(objects->set, &up, 1));
	CHECK_OK(msgsnd(objects->queue, &message, sizeof message.text, IPC_NOWAIT));
	CHECK_EQ(msgrcv(objects->queue, &message, sizeof message.text, 0, IPC_NOWAIT), 8);
}

static void may_nothing(void)
{
	struct { long type; char text[8]; } message = { 1, "text" };
	struct sembuf up = { 0, 1, 0 };
	CHECK_ATTACH_FAILS(shmat(objects->segment, NULL, SHM_RDONLY), EACCES);
	CHECK_FAILS(semop(objects->set, &up, 1), EACCES);
	CHECK_FAILS(msgsnd(objects->queue, &message, 8, IPC_NOWAIT), EACCES);
}

CASE(shmat_and_its_like_go_by_the_effective_user)
{
	as(0, 0, 0600);
	setfsuid(OTHER_USER);
	setfsgid(OTHER_GROUP);
	may_all();
	CHECK_EQ(setfsuid(-1), OTHER_USER);
	CHECK_EQ(setfsgid(-1), OTHER_GROUP);
}

static void lives_under_another_user_for_files(void)
{
	setfsuid(OTHER_USER);
	make_objects(0600);
	may_all();
	CHECK_EQ(status_of(objects->segment).shm_perm.cuid, 0);
	CHECK_EQ(status_of(objects->segment).shm_perm.cgid, 0);
	struct shmid_ds given = { .shm_perm = { .uid = OTHER_USER, .gid = OTHER_GROUP } };
	CHECK_OK(shmctl(objects->segment, IPC_SET, &given));
	CHECK_EQ(status_of(objects->segment).shm_perm.uid, OTHER_USER);
	remove_segment(objects->segment);
	CHECK_OK(semctl(objects->set, 0, IPC_RMID));
	CHECK_OK(msgctl(objects->queue, IPC_RMID, NULL));
	CHECK_EQ(setfsuid(-1), OTHER_USER);
}

CASE(shmget_and_its_like_make_objects_of_the_effective_user)
{
	as(0, 0, 0600);
	lives_under_another_user_for_files();
}

static void *in_other_thread(void *nothing)
{
	CHECK_EQ(setfsuid(-1), 0);
	may_all();
	return nothing;
}

CASE(shmat_of_a_thread_beside_one_with_another_user_for_files)
{
	as(0, 0, 0600);
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, in_other_thread, NULL), 0);
	setfsuid(OTHER_USER);
	may_all();
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(setfsuid(-1), OTHER_USER);
}

static void in_the_group_for_files(gid_t group, void (*body)(void))
{
	pid_t child = check_fork();
	if (child == 0) {
		CHECK_OK(setgroups(0, NULL));
		CHECK_OK(setgid(NOBODY));
		setfsgid(group);
		CHECK_OK(setuid(NOBODY));
		body();
		_exit(0);
	}
	check_child(child);
}

CASE(shmat_and_its_like_go_by_the_group_for_files)
{
	as(OTHER_USER, OTHER_GROUP, 0660);
	in_the_group_for_files(OTHER_GROUP, may_all);
	as(OTHER_USER, NOBODY, 0660);
	in_the_group_for_files(OTHER_GROUP, may_nothing);
}
