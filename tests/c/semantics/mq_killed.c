/* A participant is killed, or stopped, at each instruction of its call, while another one sleeps and counts on it. */
#include "../support/notify.h"
#include "../support/step.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

/* The promise: a message that is there is known to whoever wants to know of it after this time. */
enum { PROMISED_MS = 1000 };

/* Many a trial waits for most of its time. */
enum { AT_A_TIME = 48 };

static mqd_t queue, elsewhere;
static atomic_int *ready, *told;

static mqd_t unnamed_queue(const char *tag, long depth)
{
	char name[64];
	snprintf(name, sizeof name, "/chk.%d.%s", (int)getpid(), tag);
	struct mq_attr attr = { .mq_maxmsg = depth, .mq_msgsize = 8 };
	mqd_t made = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	CHECK_OK(made);
	/* Opened by its name, it is mapped under its name. */
	mqd_t opened = mq_open(name, O_RDWR);
	CHECK_OK(opened);
	CHECK_OK(mq_close(made));
	CHECK_OK(mq_unlink(name));
	return opened;
}

static void make_ground(long depth)
{
	queue = unnamed_queue("step", depth);
	elsewhere = unnamed_queue("elsewhere", depth);
	ready = shared_memory(sizeof *ready);
	told = shared_memory(sizeof *told);
	step_on_one_processor();
}

static void rehearse(void)
{
	char got[8];
	CHECK_OK(mq_send(elsewhere, "x", 1, 0));
	CHECK_OK(mq_receive(elsewhere, got, sizeof got, NULL));
}

static void send_one(void)
{
	mq_send(queue, "x", 1, 0);
}

static void receive_one(void)
{
	char got[8];
	mq_receive(queue, got, sizeof got, NULL);
}

static void by_poll(void)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	atomic_store(ready, 1);
	CHECK_EQ(poll(&fd, 1, -1), 1);
}

static void by_poll_for_room(void)
{
	struct pollfd fd = { queue, POLLOUT, 0 };
	atomic_store(ready, 1);
	CHECK_EQ(poll(&fd, 1, -1), 1);
}

static void by_epoll_on_edges(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	atomic_store(ready, 1);
	CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
}

static void by_note(void)
{
	CHECK_OK(ask_for_note(queue, 1));
	atomic_store(ready, 1);
	expect_note();
}

static void by_receive(void)
{
	atomic_store(ready, 1);
	receive_one();
}

/* One who wants to know of a change. Returns when it is asleep. */
static pid_t start_survivor(void (*wait)(void))
{
	pid_t survivor = check_fork();
	if (survivor == 0) {
		wait();
		atomic_store(told, 1);
		_exit(0);
	}
	/* On its way from the one to the other it may sleep for a moment, too. */
	CHECK_SOON(atomic_load(ready));
	for (int looks = 0; looks < 3; looks++)
		CHECK_SOON(asleep(survivor, survivor));
	return survivor;
}

static int await_told(const char *change)
{
	int ms = 0;
	for (; !atomic_load(told); ms++) {
		if (ms > PROMISED_MS)
			check_fail(__FILE__, __LINE__, "nobody is told of the %s", change);
		pause_ms(1);
	}
	return ms;
}

/* `is_done`: the victim has done what the survivor waits for. If not, it must still wait, and the living do it. */
static int judge(pid_t survivor, bool is_done, void (*again)(void))
{
	if (!is_done) {
		CHECK(!atomic_load(told));
		again();
	}
	int ms = await_told(is_done ? "change by the victim" : "change by the living");
	check_child(survivor);
	return !is_done ? STEP_EARLY : ms > 10 ? STEP_BETWEEN : STEP_LATE;
}

static int sender_trial(int steps, void (*wait)(void))
{
	make_ground(2);
	pid_t survivor = start_survivor(wait);
	pid_t victim = step_victim(rehearse, send_one);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	int end = judge(survivor, queue_count(queue) == 1, send_one);
	CHECK_EQ(queue_count(queue), 1);
	return in_call ? end : STEP_OVER;
}

/* What others can see of the queue: the memory that is mapped for it, the level of its FIFO, and what the kernel says. */
static unsigned long queue_seen(void)
{
	static const volatile unsigned char *from, *to;
	static bool looked;
	char line[512];
	FILE *maps = looked ? NULL : fopen("/proc/self/maps", "re");
	while (maps && !from && fgets(line, sizeof line, maps))
		if (strstr(line, "rsipc-mq.") && strstr(line, ".step"))
			CHECK_EQ(sscanf(line, "%p-%p", (void **)&from, (void **)&to), 2);
	if (maps)
		fclose(maps);
	looked = true;
	CHECK(from || !getenv("LD_PRELOAD"));
	unsigned long hash = (unsigned long)queue_count(queue);
	int level = 0;
	ioctl(queue, FIONREAD, &level);
	hash = hash * 31 + (unsigned long)level;
	for (const volatile unsigned char *byte = from; byte < to; byte++)
		hash = (hash ^ *byte) * 1099511628211u;
	return hash;
}

static void try_each_step(int (*trial)(int), int counts[STEP_ENDS])
{
	memset(counts, 0, STEP_ENDS * sizeof counts[0]);
	if (getenv("CHECK_EVERY_STEP"))
		step_trials(trial, AT_A_TIME, counts);
	else
		step_trials_at_changes(trial, queue_seen, AT_A_TIME, counts);
	fprintf(stderr, "%d early, %d between, %d late\n", counts[STEP_EARLY], counts[STEP_BETWEEN], counts[STEP_LATE]);
}

static void each_step(int (*trial)(int))
{
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	CHECK(counts[STEP_EARLY] > 0 && counts[STEP_LATE] > 0);
}

static void each_step_of_a_stopped_one(int (*trial)(int))
{
	int counts[STEP_ENDS];
	try_each_step(trial, counts);
	CHECK(counts[STEP_EARLY] + counts[STEP_LATE] > 1);
}

static int trial_with_poll(int steps)
{
	return sender_trial(steps, by_poll);
}

CASE(mq_sender_killed_at_any_instruction_while_another_polls)
{
	each_step(trial_with_poll);
}

static int trial_with_epoll(int steps)
{
	return sender_trial(steps, by_epoll_on_edges);
}

CASE(mq_sender_killed_at_any_instruction_while_another_waits_for_an_edge)
{
	each_step(trial_with_epoll);
}

static int trial_with_note(int steps)
{
	notes_are_waited_for();
	return sender_trial(steps, by_note);
}

CASE(mq_sender_killed_at_any_instruction_while_another_is_registered)
{
	each_step(trial_with_note);
}

static int trial_with_poll_for_room(int steps)
{
	make_ground(1);
	send_one();
	pid_t survivor = start_survivor(by_poll_for_room);
	pid_t victim = step_victim(rehearse, receive_one);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	int end = judge(survivor, queue_count(queue) == 0, receive_one);
	CHECK_EQ(queue_count(queue), 0);
	return in_call ? end : STEP_OVER;
}

CASE(mq_receiver_killed_at_any_instruction_while_another_polls_for_room)
{
	each_step(trial_with_poll_for_room);
}

static int trial_with_receiver(int steps)
{
	make_ground(2);
	pid_t survivor = start_survivor(by_receive);
	pid_t victim = step_victim(rehearse, send_one);
	int in_call = step_many(victim, steps);
	step_kill(victim);
	/* The message is there, or has been there, unless the survivor sleeps and there is none. */
	bool is_done = queue_count(queue) == 1 || !asleep(survivor, survivor) || atomic_load(told);
	int end = judge(survivor, is_done, send_one);
	CHECK_EQ(queue_count(queue), 0);
	return in_call ? end : STEP_OVER;
}

CASE(mq_sender_killed_at_any_instruction_while_another_receives)
{
	each_step(trial_with_receiver);
}

/* What one who lives does while the victim is stopped. It must not wait for the victim for longer than it said. */
static void receive_for_a_moment(void)
{
	char got[8];
	struct timespec soon = deadline_ms(50);
	if (mq_timedreceive(queue, got, sizeof got, NULL, &soon) == -1)
		CHECK_EQ(errno, ETIMEDOUT);
}

static void send_for_a_moment(void)
{
	struct timespec soon = deadline_ms(50);
	if (mq_timedsend(queue, "y", 1, 0, &soon) == -1)
		CHECK_EQ(errno, ETIMEDOUT);
}

static int stopped_trial(int steps, void (*call)(void), void (*other)(void))
{
	make_ground(1);
	if (call == receive_one)
		send_one();
	pid_t victim = step_victim(rehearse, call);
	int in_call = step_many(victim, steps);
	pid_t living = check_fork();
	if (living == 0) {
		step_on_another_processor();
		other();
		_exit(0);
	}
	int status = -1;
	CHECK_SOON(waitpid(living, &status, WNOHANG) == living);
	CHECK_EQ(status, 0);
	long before = queue_count(queue);
	step_kill(victim);
	long after = queue_count(queue);
	CHECK(after == 0 || after == 1);
	/* All is as it should be for those who come later. */
	if (after == 0)
		send_one();
	receive_one();
	CHECK_EQ(queue_count(queue), 0);
	return !in_call ? STEP_OVER : before ? STEP_EARLY : STEP_LATE;
}

static int stopped_receiver_trial(int steps)
{
	return stopped_trial(steps, receive_one, receive_for_a_moment);
}

static int stopped_sender_trial(int steps)
{
	return stopped_trial(steps, send_one, send_for_a_moment);
}

static int receiver_stopped_before_sender_trial(int steps)
{
	return stopped_trial(steps, receive_one, send_for_a_moment);
}

static int sender_stopped_before_receiver_trial(int steps)
{
	return stopped_trial(steps, send_one, receive_for_a_moment);
}

CASE(mq_stopped_receiver_holds_up_no_other_receiver)
{
	each_step_of_a_stopped_one(stopped_receiver_trial);
}

CASE(mq_stopped_sender_holds_up_no_other_sender)
{
	each_step_of_a_stopped_one(stopped_sender_trial);
}

CASE(mq_stopped_receiver_holds_up_no_sender)
{
	each_step_of_a_stopped_one(receiver_stopped_before_sender_trial);
}

CASE(mq_stopped_sender_holds_up_no_receiver)
{
	each_step_of_a_stopped_one(sender_stopped_before_receiver_trial);
}
