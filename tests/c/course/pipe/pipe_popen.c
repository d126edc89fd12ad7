/* popen is pipe, fork, exec and fdopen in one call; pclose is fclose and wait. */
#include "../course.h"

int main(void)
{
	begin();
	FILE *from = popen("echo out of a command; exit 3", "r");
	if (from == NULL)
		die("popen");
	char line[80];
	while (fgets(line, sizeof(line), from) != NULL)
		printf("read: %s", line);
	int status = pclose(from);
	printf("pclose tells its exit status: %d\n", WEXITSTATUS(status));

	fflush(stdout);
	FILE *to = popen("tr a-z A-Z", "w");
	if (to == NULL)
		die("popen");
	fprintf(to, "into a command\n");
	status = pclose(to);
	printf("pclose tells its exit status: %d\n", WEXITSTATUS(status));
	return EXIT_SUCCESS;
}
