/* setvbuf chooses when a stream hands its bytes to the kernel: at once, at the end of a line, or
 * when the buffer is full. A stream on a pipe lets us count what the kernel has got so far. */
#include "../course.h"

#include <sys/ioctl.h>

enum { BUFFER_SIZE = 256 };

static int reader;

static void report(const char *action)
{
	int waiting;
	check(ioctl(reader, FIONREAD, &waiting), "FIONREAD");
	printf("  %-28s %3d bytes in the pipe\n", action, waiting);
}

static void try_policy(const char *title, int policy)
{
	int ends[2];
	check(pipe(ends), "pipe");
	reader = ends[0];
	FILE *stream = fdopen(ends[1], "w");
	if (stream == NULL)
		die("fdopen");
	char buffer[BUFFER_SIZE];
	if (setvbuf(stream, policy == _IONBF ? NULL : buffer, policy, sizeof(buffer)) != 0)
		die("setvbuf");

	printf("%s\n", title);
	fputs("abc", stream);
	report("after \"abc\"");
	fputs("def\n", stream);
	report("after \"def\" and a newline");
	for (int i = 0; i < 300; i++)
		fputc('x', stream);
	report("after 300 times \"x\"");
	fclose(stream);
	report("after fclose");
	close(reader);
}

int main(void)
{
	begin();
	try_policy("_IONBF: unbuffered, as standard error is", _IONBF);
	try_policy("_IOLBF: line by line, as on a terminal", _IOLBF);
	try_policy("_IOFBF: by full buffers, as into a file", _IOFBF);
	return EXIT_SUCCESS;
}
