/* A handler that uses the queue in the middle of the same thread's calls on it.
 *
 *   mq_reentrant return|jump SECONDS
 *
 * A timer strikes every 50 microseconds. Its handler sends and receives without waiting; the thread
 * itself sends and receives, waiting if it must. With `jump` each 16th handler leaves by
 * siglongjmp, out of whatever it interrupted. From time to time, and after each jump, everything is
 * drained and accounted for. */
#include "model.h"

#include <setjmp.h>
#include <signal.h>

enum { DEPTH = 8, SIZE = 256, TICKETS = 64, PERIOD_NS = 50000 };

/* A message carries a ticket and the serial number of its use. The thread draws tickets from the
 * first half, the handler from the second, so that neither can take one from under the other. */
enum ticket_state { FREE, SENT, MAYBE };

/* serial * 4 + state, in one word: a handler never sees half a change. */
static volatile uint32_t tickets[TICKETS];

static enum ticket_state state_of(int ticket)
{
	return tickets[ticket] % 4;
}

static uint32_t serial_of(int ticket)
{
	return tickets[ticket] / 4;
}

static uint32_t id_of(int ticket)
{
	return serial_of(ticket) * TICKETS + (uint32_t)ticket;
}

static void set_state(int ticket, enum ticket_state state)
{
	tickets[ticket] = serial_of(ticket) * 4 + state;
}

static void free_for_next_use(int ticket)
{
	tickets[ticket] = (serial_of(ticket) + 1) * 4 + FREE;
}

static mqd_t waiting, hasty;
static atomic_long sent, received, unknown, jumps, strikes;

static bool jumping;
static sigjmp_buf out;

/* What the thread is doing, for the handler that jumps out of it. */
static volatile int sending = -1;
static volatile bool receiving;
static uint64_t in_thread[SIZE / 8], in_handler[SIZE / 8];

static int draw_ticket(int from, int to)
{
	for (int i = from; i < to; i++)
		if (state_of(i) == FREE)
			return i;
	return -1;
}

/* Was this message sent and not received before? */
static void account_for(const struct message *message, size_t length)
{
	MUST(message_is_whole(message, length));
	int ticket = (int)(message->id % TICKETS);
	MUST(state_of(ticket) != FREE);
	MUST(id_of(ticket) == message->id);
	free_for_next_use(ticket);
	received++;
}

static uint32_t length_for(uint32_t serial)
{
	return (uint32_t)sizeof(struct message) +
	       serial * 37 % (SIZE - (uint32_t)sizeof(struct message) + 1);
}

/* Sends with a ticket of the range; false if there is no space or no ticket. */
static bool send_one(mqd_t queue, int from, int to, uint64_t *buffer)
{
	int ticket = draw_ticket(from, to);
	if (ticket < 0)
		return false;
	struct message *message = (struct message *)buffer;
	uint32_t length = length_for(serial_of(ticket));
	message_fill(message, id_of(ticket), length);
	if (queue == waiting)
		sending = ticket;
	set_state(ticket, SENT);
	int result = mq_send(queue, (char *)message, length, serial_of(ticket) % 4);
	if (result == -1) {
		/* SA_RESTART: a call that may wait is never interrupted. */
		MUST(errno == EAGAIN && queue == hasty);
		set_state(ticket, FREE);
	} else {
		sent++;
	}
	if (queue == waiting)
		sending = -1;
	return result == 0;
}

static bool receive_one(mqd_t queue, uint64_t *buffer)
{
	if (queue == waiting) {
		memset(buffer, 0, sizeof(struct message));
		receiving = true;
	}
	ssize_t length = mq_receive(queue, (char *)buffer, SIZE, NULL);
	if (length == -1)
		MUST(errno == EAGAIN && queue == hasty);
	else
		account_for((struct message *)buffer, (size_t)length);
	if (queue == waiting)
		receiving = false;
	return length >= 0;
}

static void strike(int signal)
{
	(void)signal;
	int error = errno;
	strikes++;
	/* Not in balance, so that the queue is now full and now empty, and the thread waits at
	 * times. */
	static const char *const plans[] = { "sr", "rs", "s", "r", "ss", "rr", "srsr", "rsrs" };
	for (const char *step = plans[strikes * 2654435761u / 65536 % 8]; *step; step++) {
		if (*step == 's')
			send_one(hasty, TICKETS / 2, TICKETS, in_handler);
		else
			receive_one(hasty, in_handler);
	}
	errno = error;
	if (jumping && strikes % 16 == 0) {
		jumps++;
		siglongjmp(out, 1);
	}
}

/* After a jump only the bytes that the call left tell whether it had its effect. */
static void after_the_jump(void)
{
	if (sending >= 0)
		set_state(sending, MAYBE);
	sending = -1;
	struct message *message = (struct message *)in_thread;
	if (receiving && message->length >= sizeof *message && message->length <= SIZE &&
	    message_is_whole(message, message->length)) {
		int ticket = (int)(message->id % TICKETS);
		if (state_of(ticket) == SENT && id_of(ticket) == message->id)
			set_state(ticket, MAYBE);
	}
	receiving = false;
}

static void only_maybe_is_missing(void)
{
	while (receive_one(hasty, in_thread))
		;
	for (int i = 0; i < TICKETS; i++) {
		MUST(state_of(i) != SENT);
		if (state_of(i) == MAYBE) {
			free_for_next_use(i);
			unknown++;
		}
	}
	queue_is_sound(waiting);
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The timer's signal is blocked at the beginning, at the end and where a jump arrives. */
static void work(const sigset_t *timer, double seconds)
{
	double end = seconds_now() + seconds;
	for (;;) {
		if (sigsetjmp(out, 1) != 0)
			after_the_jump();
		if (seconds_now() >= end)
			return;
		only_maybe_is_missing();
		sigprocmask(SIG_UNBLOCK, timer, NULL);
		for (int i = 0; i < 200; i++) {
			send_one(waiting, 0, TICKETS / 2, in_thread);
			receive_one(waiting, in_thread);
		}
		sigprocmask(SIG_BLOCK, timer, NULL);
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 3);
	jumping = strcmp(argv[1], "jump") == 0;
	double seconds = atof(argv[2]);
	struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = SIZE };
	char name[64];
	snprintf(name, sizeof name, "/rsipc-model-%d", (int)getpid());
	waiting = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	hasty = mq_open(name, O_RDWR | O_NONBLOCK);
	MUST(mq_unlink(name) == 0);
	MUST(waiting != -1 && hasty != -1);

	/* A hang ends here: the timer of alarm() is not the one below. */
	alarm((unsigned)seconds + 20);
	struct sigaction action = { .sa_handler = strike, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec period = { { 0, PERIOD_NS }, { 0, PERIOD_NS } };
	sigset_t blocked;
	timer_t timer;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
	MUST(sigaction(SIGUSR1, &action, NULL) == 0);
	MUST(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	MUST(timer_settime(timer, 0, &period, NULL) == 0);
	work(&blocked, seconds);
	only_maybe_is_missing();
	MUST(strikes > 100 && sent > 100);
	MUST(jumping ? received + unknown >= sent : received == sent && unknown == 0);
	MUST((jumps > 0) == jumping);
	printf("%ld strikes, %ld jumps: %ld sent, %ld received, %ld unknown\n", strikes, jumps,
	       sent, received, unknown);
	return 0;
}
