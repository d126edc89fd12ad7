/* closefrom(3), which glibc has since 2.34, on kernels that have close_range(2), since 5.9,
 * and on others. */
#include "../support/check.h"

#include "../support/refuse.h"

#include <sys/resource.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* Without one in the C library it is ours, in a program that is linked with us. */
extern void closefrom(int lowest) __attribute__((weak));

static void refuse(long number, int error)
{
	if (refuse_call(number, error) == -1)
		CHECK_SKIP("no filter can be set here");
}

static void open_some(void)
{
	if (!closefrom)
		CHECK_SKIP("there is no closefrom here");
	for (int fd = 20; fd < 180; fd += 3)
		CHECK_EQ(dup2(2, fd), fd);
	CHECK_EQ(dup2(2, 900), 900);
}

static void closes_from(int lowest)
{
	closefrom(lowest);
	for (int fd = 20; fd < 180; fd += 3)
		CHECK_EQ(fcntl(fd, F_GETFD), fd < lowest ? 0 : -1);
	CHECK_FAILS(fcntl(900, F_GETFD), EBADF);
}

CASE(load_closefrom_closes_all_from_there_on)
{
	open_some();
	closes_from(100);
	closes_from(21);
}

CASE(load_closefrom_without_close_range)
{
	open_some();
	refuse(SYS_close_range, ENOSYS);
	closes_from(100);
	closes_from(21);
	CHECK_FAILS(close_range(20, 20, 0), ENOSYS);
}

/* No free descriptor for the look at what there is. */
CASE(load_closefrom_with_a_full_table)
{
	open_some();
	refuse(SYS_close_range, ENOSYS);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1000, 1000 }));
	while (dup(2) != -1)
		;
	CHECK_EQ(errno, EMFILE);
	closes_from(100);
}
