/* closefrom(3) of the archive where there is neither close_range(2) nor /proc, nor a C library
 * to ask. (glibc's own ends the process then.) */
#include <fcntl.h>
#include <sys/resource.h>

#include "../support/refuse.h"
#include "must.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

void closefrom(int lowest);

int main(void)
{
	alarm(SECONDS);
	MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1000, 1000 }) == 0);
	for (int fd = 20; fd < 1000; fd += 7)
		MUST(dup2(2, fd) == fd);
	if (refuse_call(SYS_close_range, ENOSYS) == -1 || refuse_call(SYS_openat, ENOENT) == -1) {
		SAY("no filter can be set here\n");
		return 0;
	}
	errno = 0;
	closefrom(100);
	MUST(errno == 0);
	for (int fd = 20; fd < 1000; fd += 7)
		MUST((fcntl(fd, F_GETFD) == 0) == (fd < 100));
	closefrom(-1);
	return fcntl(2, F_GETFD) == -1 ? 0 : 2;
}
