/* A camera whose pictures are looked at where they lie, by workers that may be killed.
 *
 *   cc camera.c $(pkg-config --cflags --libs rsipc) -o camera
 *   ./camera WORKERS FRAMES KILLS
 *
 * The camera writes FRAMES pictures of 4 MiB into slots of a queue, and sends them without copying
 * them. WORKERS processes borrow them, add up their pixels, and send the sum back. KILLS times a
 * worker is killed, with what it has in its hands, and another one takes its place. The picture
 * that it had goes to the next worker. So each picture is looked at, and the sums are right.
 * rsipc_ext(3) describes the calls. */
#include <err.h>
#include <rsipc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIXELS = 1 << 20, SLOTS = 8, WORKERS_MAX = 20 };

struct frame {
	uint32_t pixels[PIXELS];
};

struct result {
	uint32_t number, sum;
};

static mqd_t frames, results;

static mqd_t make_queue(const char *what, long depth, long size)
{
	char name[64];
	struct mq_attr attributes = { .mq_maxmsg = depth, .mq_msgsize = size };
	snprintf(name, sizeof name, "/camera.%d.%s", (int)getpid(), what);
	mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	if (queue == (mqd_t)-1)
		err(1, "mq_open");
	mq_unlink(name);
	return queue;
}

/* The first pixel is the number of the picture, and the others follow from it. */
static uint32_t pixel(uint32_t number, uint32_t at)
{
	return at == 0 ? number : number * 2654435761u + at;
}

static void take_pictures(uint32_t count)
{
	for (uint32_t number = 0; number < count; number++) {
		struct frame *frame = rsipc_mq_loan(frames, 0, CLOCK_MONOTONIC, NULL);
		if (!frame)
			err(1, "rsipc_mq_loan");
		for (uint32_t at = 0; at < PIXELS; at++)
			frame->pixels[at] = pixel(number, at);
		if (rsipc_mq_commit(frames, frame, sizeof *frame, 0) == -1)
			err(1, "rsipc_mq_commit");
	}
}

/* The result is sent before the picture is released. So no picture is lost if this process is
 * killed, and at worst it is looked at twice. */
static void look_at_pictures(void)
{
	for (;;) {
		size_t length;
		struct frame *frame = rsipc_mq_borrow(frames, &length, NULL, CLOCK_MONOTONIC, NULL);
		if (!frame)
			err(1, "rsipc_mq_borrow");
		if (length != sizeof *frame)
			errx(1, "a picture of %zu bytes", length);
		struct result result = { frame->pixels[0], 0 };
		for (uint32_t at = 0; at < PIXELS; at++)
			result.sum += frame->pixels[at];
		if (mq_send(results, (char *)&result, sizeof result, 0) == -1)
			err(1, "mq_send");
		if (rsipc_mq_release(frames, frame) == -1)
			err(1, "rsipc_mq_release");
	}
}

static pid_t start(void (*work)(uint32_t), uint32_t count)
{
	pid_t pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		if (work)
			work(count);
		else
			look_at_pictures();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	if (pid <= 0 || kill(pid, SIGKILL) == -1 || waitpid(pid, NULL, 0) != pid)
		err(1, "kill");
}

static uint32_t expected(uint32_t number)
{
	uint32_t sum = 0;
	for (uint32_t at = 0; at < PIXELS; at++)
		sum += pixel(number, at);
	return sum;
}

int main(int argc, char **argv)
{
	int workers = argc == 4 ? atoi(argv[1]) : 0, count = argc == 4 ? atoi(argv[2]) : 0;
	int kills = argc == 4 ? atoi(argv[3]) : -1;
	if (workers < 1 || workers > WORKERS_MAX || count < 1 || kills < 0)
		errx(2, "usage: camera WORKERS FRAMES KILLS");
	frames = make_queue("frames", SLOTS, sizeof(struct frame));
	results = make_queue("results", 2 * WORKERS_MAX, sizeof(struct result));
	pid_t worker[WORKERS_MAX], camera = start(take_pictures, (uint32_t)count);
	for (int i = 0; i < workers; i++)
		worker[i] = start(NULL, 0);
	unsigned char *seen = calloc((size_t)count, 1);
	int killed = 0, again = 0;
	for (int done = 0; done < count;) {
		struct result result;
		if (mq_receive(results, (char *)&result, sizeof result, NULL) != sizeof result)
			err(1, "mq_receive");
		if (result.number >= (uint32_t)count || result.sum != expected(result.number))
			errx(1, "picture %u has the wrong sum", (unsigned)result.number);
		*(seen[result.number] ? &again : &done) += 1;
		seen[result.number] = 1;
		if (killed < kills) {
			int one = killed++ % workers;
			end(worker[one]);
			worker[one] = start(NULL, 0);
		}
	}
	for (int i = 0; i < workers; i++)
		end(worker[i]);
	int status;
	if (waitpid(camera, &status, 0) != camera || status != 0)
		errx(1, "the camera failed");
	printf("%d pictures, %d workers killed, %d pictures looked at twice\n",
	       count, killed, again);
	free(seen);
	return 0;
}
