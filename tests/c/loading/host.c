/* usage: host LIBRARY [busy]
 * Loads librsipc, or a plugin that is linked with it, and unloads it while a queue is open and a
 * thread has used it; busy: while a process also polls it and is registered for notification, for
 * which the library may have threads. */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>

#include "must.h"

static struct {
	mqd_t (*open)(const char *, int, ...);
	int (*unlink)(const char *);
	int (*send)(mqd_t, const char *, size_t, unsigned);
	ssize_t (*receive)(mqd_t, char *, size_t, unsigned *);
	int (*notify)(mqd_t, const struct sigevent *);
	int (*epoll_ctl)(int, int, int, struct epoll_event *);
} ours;

static pthread_barrier_t used, unloaded;
static mqd_t queue;

static void *find(void *library, const char *name)
{
	void *found = dlsym(library, name);
	MUST(found);
	return found;
}

static void use(void)
{
	char body[8];
	MUST(ours.send(queue, "x", 1, 0) == 0);
	MUST(ours.receive(queue, body, sizeof body, NULL) == 1);
}

static void *user(void *unused)
{
	use();
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&unloaded);
	use();
	return unused;
}

static int told[2];

static void tell(union sigval value)
{
	(void)value;
	MUST(write(told[1], "t", 1) == 1);
}

static void open_queue(void)
{
	char name[64];
	snprintf(name, sizeof name, "/loading-host.%d", (int)getpid());
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	queue = ours.open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	MUST(queue != -1 && ours.unlink(name) == 0);
}

static void ask_to_be_told(void)
{
	struct sigevent by_thread = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell };
	MUST(ours.notify(queue, &by_thread) == 0);
}

static void must_be_told(void)
{
	char letter;
	MUST(read(told[0], &letter, 1) == 1);
}

static void find_all(void *library)
{
	*(void **)&ours.open = find(library, "mq_open");
	*(void **)&ours.unlink = find(library, "mq_unlink");
	*(void **)&ours.send = find(library, "mq_send");
	*(void **)&ours.receive = find(library, "mq_receive");
	*(void **)&ours.notify = find(library, "mq_notify");
	*(void **)&ours.epoll_ctl = find(library, "epoll_ctl");
}

static void unload(void *library, const char *file)
{
	MUST(dlclose(library) == 0);
	/* A plugin is gone, we are not. */
	void *again = dlopen(file, RTLD_NOW | RTLD_NOLOAD);
	MUST(!again == !strstr(file, "librsipc.so"));
}

int main(int count, char **arguments)
{
	alarm(SECONDS);
	MUST(count >= 2);
	int busy = count > 2;
	void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fprintf(stderr, "%s\n", dlerror());
	MUST(library);
	find_all(library);
	open_queue();
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	MUST(pipe(told) == 0);
	if (busy) {
		MUST(ours.epoll_ctl(epoll, EPOLL_CTL_ADD, (int)queue, &event) == 0);
		ask_to_be_told();
	}
	pthread_t thread;
	pthread_barrier_init(&used, NULL, 2);
	pthread_barrier_init(&unloaded, NULL, 2);
	MUST(pthread_create(&thread, NULL, user, NULL) == 0);
	pthread_barrier_wait(&used);

	unload(library, arguments[1]);

	if (busy) {
		must_be_told();
		ask_to_be_told();
	}
	pthread_barrier_wait(&unloaded);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(ours.send(queue, "x", 1, 0) == 0);
	if (busy) {
		must_be_told();
		MUST(epoll_wait(epoll, &event, 1, -1) == 1);
	}
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	must_end_well(child);
	return 0;
}
