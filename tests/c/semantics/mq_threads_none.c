/* No thread is there that the program did not ask for: the process ends with the last of its own,
 * and where it may start none, all but SIGEV_THREAD works. */
#include "../support/nobody.h"
#include "../support/notify.h"

#include <dirent.h>
#include <sys/epoll.h>
#include <sys/resource.h>

static mqd_t queue;

static void by_poll(void)
{
	struct pollfd fd = { queue, POLLIN, 0 };
	CHECK_EQ(poll(&fd, 1, 1), 0);
}

static void by_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
	CHECK_EQ(epoll_wait(epoll, &event, 1, 1), 0);
}

static void by_select(void)
{
	fd_set in;
	FD_ZERO(&in);
	FD_SET(queue, &in);
	CHECK_EQ(select(queue + 1, &in, NULL, NULL, &(struct timeval){ 0, 1000 }), 0);
}

static void by_note(void)
{
	CHECK_OK(ask_for_note(queue, 0));
}

static void by_note_withdrawn(void)
{
	CHECK_OK(ask_for_note(queue, 0));
	CHECK_OK(mq_notify(queue, NULL));
}

static void by_note_received(void)
{
	CHECK_OK(ask_for_note(queue, 0));
	queue_put(queue, "news", 0);
	expect_note();
}

static void by_timeout(void)
{
	char got[SMALL_SIZE];
	struct timespec soon = deadline_ms(2);
	CHECK_FAILS(mq_timedreceive(queue, got, sizeof got, NULL, &soon), ETIMEDOUT);
}

static void (*const uses[])(void) = {
	by_poll, by_epoll, by_select, by_note, by_note_withdrawn, by_note_received, by_timeout,
};
enum { USES = sizeof uses / sizeof uses[0] };

static int *said_goodbye;

static void say_goodbye(void)
{
	*said_goodbye = 1;
}

static void *linger(void *unused)
{
	pause_ms(50);
	return unused;
}

CASE(mq_process_ends_with_its_last_thread_though_main_has_ended)
{
	said_goodbye = shared_memory(sizeof *said_goodbye);
	notes_are_waited_for();
	queue = queue_small(0);
	for (int i = 0; i < USES; i++) {
		pid_t child = check_fork();
		*said_goodbye = 0;
		if (child == 0) {
			pthread_t thread;
			CHECK_EQ(atexit(say_goodbye), 0);
			uses[i]();
			CHECK_EQ(pthread_create(&thread, NULL, linger, NULL), 0);
			pthread_exit(NULL);
		}
		check_child(child);
		CHECK_EQ(*said_goodbye, 1);
		while (queue_count(queue) > 0)
			queue_take(queue);
	}
}

static void *use_and_end(void *use)
{
	(*(void (**)(void))use)();
	return NULL;
}

CASE(mq_process_ends_when_main_ends_before_the_thread_that_uses_the_queue)
{
	notes_are_waited_for();
	queue = queue_small(0);
	for (int i = 0; i < USES; i++) {
		pid_t child = check_fork();
		if (child == 0) {
			pthread_t thread;
			void (*use)(void) = uses[i];
			static void (*kept)(void);
			kept = use;
			CHECK_EQ(pthread_create(&thread, NULL, use_and_end, &kept), 0);
			pthread_exit(NULL);
		}
		check_child(child);
		while (queue_count(queue) > 0)
			queue_take(queue);
	}
}

/* A user with as many processes as the limit allows. */
static void may_start_nothing(void)
{
	struct rlimit limit = { 1, 1 };
	become_user(61234, 61234);
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	CHECK(child == -1 && errno == EAGAIN);
}

CASE(mq_needs_no_thread_of_a_process_that_may_start_none)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root can become another user");
	notes_are_waited_for();
	may_start_nothing();
	queue = queue_small(0);
	for (int i = 0; i < USES; i++) {
		uses[i]();
		while (queue_count(queue) > 0)
			queue_take(queue);
		mq_notify(queue, NULL);
	}
	CHECK_OK(ask_for_note(queue, 3));
	queue_put(queue, "news", 0);
	CHECK_EQ(expect_note().si_value.sival_int, 3);
	CHECK_EQ(queue_events(queue), POLLIN | POLLOUT);
}

static int tasks_of_this_process(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/task");
	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

CASE(mq_polls_and_signals_start_no_thread)
{
	notes_are_waited_for();
	queue = queue_small(0);
	for (int i = 0; i < USES; i++) {
		uses[i]();
		CHECK_EQ(tasks_of_this_process(), 1);
		while (queue_count(queue) > 0)
			queue_take(queue);
		mq_notify(queue, NULL);
	}
}
