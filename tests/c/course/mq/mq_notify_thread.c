/* mq_notify with SIGEV_THREAD: a message into the empty queue starts a thread, with the value that
 * was registered. It registers again, empties the queue, and tells main through a condition
 * variable. */
#include "../course.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>

enum { ROUNDS = 3 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int started;

static void ask_for_thread(mqd_t *queue);

static void on_message(union sigval value)
{
	mqd_t *queue = value.sival_ptr;
	char buffer[16];
	pthread_mutex_lock(&mutex);
	ask_for_thread(queue);
	while (mq_receive(*queue, buffer, sizeof(buffer), NULL) != -1)
		printf("thread %d: \"%s\"\n", started + 1, buffer);
	started++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
}

static void ask_for_thread(mqd_t *queue)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD,
				  .sigev_notify_function = on_message };
	event.sigev_value.sival_ptr = queue;
	check(mq_notify(*queue, &event), "mq_notify");
}

int main(void)
{
	begin();
	struct name name = own_name("notify_thread");
	struct mq_attr attributes = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	int flags = O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK;
	mqd_t queue = (mqd_t)check(mq_open(name.text, flags, 0600, &attributes), "mq_open");
	check(mq_unlink(name.text), "mq_unlink");

	ask_for_thread(&queue);
	for (int i = 0; i < ROUNDS; i++) {
		char text[16];
		snprintf(text, sizeof(text), "message %d", i + 1);
		check(mq_send(queue, text, strlen(text) + 1, 0), "mq_send");
		pthread_mutex_lock(&mutex);
		while (started == i)
			pthread_cond_wait(&changed, &mutex);
		pthread_mutex_unlock(&mutex);
	}
	printf("%d messages, %d threads\n", ROUNDS, started);
	check(mq_notify(queue, NULL), "mq_notify");
	return EXIT_SUCCESS;
}
