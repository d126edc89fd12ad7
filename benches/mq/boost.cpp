/* The message_queue of Boost.Interprocess. */
#include <boost/interprocess/ipc/message_queue.hpp>

#include "../support/bench.h"

struct queue {
	boost::interprocess::message_queue messages;
};

static struct queue *queue_new(unsigned messages, unsigned size)
{
	using namespace boost::interprocess;
	static int number;
	char name[64];
	snprintf(name, sizeof name, "rsipc-bench.%d.%d", (int)getpid(), number++);
	queue *made = new queue{ message_queue(create_only, name, messages, size) };
	message_queue::remove(name);
	return made;
}

static void queue_send(queue *queue, const char *body, unsigned size, unsigned priority)
{
	queue->messages.send(body, size, priority);
}

static void queue_receive(queue *queue, char *body, unsigned size)
{
	boost::interprocess::message_queue::size_type received;
	unsigned priority;
	queue->messages.receive(body, size, received, priority);
	BENCH_NEED(received == size);
}

#include "scenarios.h"

int main(int argc, char **argv)
{
	return bench_report(measure(argc, argv), nullptr);
}
