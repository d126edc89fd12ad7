/* A process is killed at each instruction of its call: a message is there whole or not at all, and
 * the queue goes on. */
#include "../support/step.h"
#include "../support/sysv_msg.h"

enum { AT_A_TIME = 4, LENGTH = 900 };

/* Instructions from one trial to the next, after the first ones. */
static int stride = 7;

static int queue, elsewhere;
static struct message letter, got;

static int instructions(int steps)
{
	enum { FIRST = 8 };
	return steps <= FIRST ? steps : FIRST + (steps - FIRST) * stride;
}

static void rehearse(void)
{
	CHECK_OK(msgsnd(elsewhere, &letter, LENGTH, 0));
	CHECK_EQ(msgrcv(elsewhere, &got, BODY, 0, 0), LENGTH);
	int removed = msgget(IPC_PRIVATE, 0600);
	CHECK_OK(msgctl(removed, IPC_RMID, NULL));
}

static void prepare(void)
{
	step_on_one_processor();
	queue = new_queue();
	elsewhere = new_queue();
	letter.type = 4;
	for (size_t i = 0; i < LENGTH; i++)
		letter.body[i] = byte_of(8, i);
}

/* To the limit, by bytes and by messages, and back: no block of the dead is lost. */
static void all_room_is_left(void)
{
	unsigned long limit = status_of(queue).msg_qbytes, bytes = 0;
	unsigned count = 0;
	for (; bytes + 3000 <= limit; bytes += 3000, count++)
		PUT_BYTES(queue, 7, 3000, count);
	PUT_BYTES(queue, 7, limit - bytes, count);
	CHECK_FAILS(send_text(queue, 7, "x", IPC_NOWAIT), EAGAIN);
	for (unsigned i = 0; i < count; i++)
		GET_BYTES(queue, 7, 3000, i, 3000);
	GET_BYTES(queue, 7, limit - bytes, count, 3000);
	limit_queue(queue, 200);
	for (int i = 0; i < 200; i++)
		PUT(queue, 7, "");
	CHECK_FAILS(send_text(queue, 7, "", IPC_NOWAIT), EAGAIN);
	for (int i = 0; i < 200; i++)
		GET(queue, 7, 0, 7, "");
	CHECK_HOLDS(queue, 0, 0);
}

static int killed_after(void (*call)(void), int steps)
{
	pid_t victim = step_victim(rehearse, call);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	return in_call;
}

static int finish(int in_call, bool is_done)
{
	all_room_is_left();
	remove_queue(queue);
	remove_queue(elsewhere);
	return !in_call ? STEP_OVER : is_done ? STEP_LATE : STEP_EARLY;
}

static void try_each_step(int (*trial)(int))
{
	int counts[STEP_ENDS] = { 0 };
	step_trials(trial, AT_A_TIME, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_OVER] > 0);
}

static void send_one(void)
{
	msgsnd(queue, &letter, LENGTH, 0);
}

static int sender_trial(int steps)
{
	prepare();
	PUT(queue, 1, "before");
	int in_call = killed_after(send_one, steps);
	unsigned long more = count_of(queue) - 1;
	CHECK(more <= 1);
	CHECK_HOLDS(queue, 1 + more, 6 + more * LENGTH);
	PUT(queue, 2, "after");
	GET(queue, 0, 0, 1, "before");
	if (more)
		GET_BYTES(queue, 4, LENGTH, 8, LENGTH);
	GET(queue, 0, 0, 2, "after");
	return finish(in_call, more);
}

CASE(msgsnd_killed_at_any_instruction_has_sent_all_or_nothing)
{
	stride = 101;
	try_each_step(sender_trial);
}

static void receive_one(void)
{
	msgrcv(queue, &got, BODY, 4, 0);
}

static int receiver_trial(int steps)
{
	prepare();
	PUT(queue, 1, "before");
	CHECK_OK(msgsnd(queue, &letter, LENGTH, 0));
	PUT(queue, 2, "after");
	int in_call = killed_after(receive_one, steps);
	unsigned long left = count_of(queue) - 2;
	CHECK(left <= 1);
	CHECK_HOLDS(queue, 2 + left, 11 + left * LENGTH);
	GET(queue, 0, 0, 1, "before");
	/* It lies where it lay. */
	if (left) {
		CHECK_EQ(msgrcv(queue, &got, BODY, 0, IPC_NOWAIT), LENGTH);
		CHECK_EQ(got.type, 4);
		CHECK_EQ(memcmp(got.body, letter.body, LENGTH), 0);
	}
	GET(queue, 0, 0, 2, "after");
	return finish(in_call, !left);
}

CASE(msgrcv_killed_at_any_instruction_has_taken_all_or_nothing)
{
	try_each_step(receiver_trial);
}

static void cut_one(void)
{
	msgrcv(queue, &got, 10, -9, MSG_NOERROR);
}

static int cutting_trial(int steps)
{
	prepare();
	CHECK_OK(msgsnd(queue, &letter, LENGTH, 0));
	int in_call = killed_after(cut_one, steps);
	unsigned long left = count_of(queue);
	CHECK(left <= 1);
	if (left)
		GET_BYTES(queue, 4, LENGTH, 8, LENGTH);
	return finish(in_call, !left);
}

CASE(msgrcv_that_cuts_killed_at_any_instruction_has_taken_all_or_nothing)
{
	try_each_step(cutting_trial);
}

static void limit_it(void)
{
	struct msqid_ds status = { .msg_qbytes = 4321, .msg_perm = { .mode = 0640 } };
	status.msg_perm.uid = geteuid();
	status.msg_perm.gid = getegid();
	msgctl(queue, IPC_SET, &status);
}

static int setter_trial(int steps)
{
	prepare();
	unsigned long before = status_of(queue).msg_qbytes;
	int in_call = killed_after(limit_it, steps);
	struct msqid_ds status = status_of(queue);
	bool is_done = status.msg_qbytes != before;
	CHECK_EQ(status.msg_qbytes, is_done ? 4321 : before);
	CHECK_OK(send_text(queue, 1, "goes on", 0));
	GET(queue, 0, 0, 1, "goes on");
	return finish(in_call, is_done);
}

CASE(msgctl_set_killed_at_any_instruction_leaves_the_queue_whole)
{
	stride = 601;
	try_each_step(setter_trial);
}

static void create_one(void)
{
	msgget(own_key(getpid() % 256), IPC_CREAT | IPC_EXCL | 0600);
}

/* The victim is our child: its key is that of its number. */
static int creator_trial(int steps)
{
	prepare();
	pid_t victim = step_victim(rehearse, create_one);
	int in_call = step_many(victim, instructions(steps));
	step_kill(victim);
	key_t key = own_key(victim % 256);
	int made = msgget(key, 0600), is_done = made != -1;
	if (!is_done)
		made = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
	noted(made);
	CHECK_EQ(msgget(key, 0600), made);
	CHECK_FAILS(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	remove_queue(queue);
	queue = made;
	return finish(in_call, is_done);
}

CASE(msgget_killed_at_any_instruction_has_made_a_whole_queue_or_none)
{
	/* It makes a file: that takes very many. */
	stride = 4001;
	try_each_step(creator_trial);
}
