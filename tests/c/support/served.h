/* Memory that a thread of the program serves, by userfaultfd(2): each access waits for it. */
#ifndef SUPPORT_SERVED_H
#define SUPPORT_SERVED_H

#include "check.h"

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef UFFDIO_WRITEPROTECT
#define UFFDIO_REGISTER_MODE_WP 2
#define UFFDIO_WRITEPROTECT UFFDIO_WAKE
struct uffdio_writeprotect {
	struct uffdio_range range;
	unsigned long long mode;
};
#endif

enum { SERVED = 4096 };

static int served_by = -1;
/* Whether the writes to pages that are there are served, and not pages that are missing. */
static int served_writes;
static int served_times;

static void served_let_write(unsigned long long page, unsigned long long mode)
{
	struct uffdio_writeprotect protect = { .range = { page, SERVED }, .mode = mode };
	CHECK_OK(ioctl(served_by, UFFDIO_WRITEPROTECT, &protect));
}

static void *serve(void *unused)
{
	static char zeros[SERVED];
	struct uffd_msg told;
	while (read(served_by, &told, sizeof told) == sizeof told) {
		unsigned long long page = told.arg.pagefault.address & ~(SERVED - 1ULL);
		struct uffdio_copy copy = { page, (unsigned long)zeros, SERVED, 0, 0 };
		__atomic_fetch_add(&served_times, 1, __ATOMIC_SEQ_CST);
		if (served_writes)
			served_let_write(page, 0);
		else
			CHECK_OK(ioctl(served_by, UFFDIO_COPY, &copy));
	}
	return unused;
}

/* A page that is served from now on. */
static char *served_page(void)
{
	struct uffdio_register kind = { .mode = served_writes ? UFFDIO_REGISTER_MODE_WP :
								UFFDIO_REGISTER_MODE_MISSING };
	char *page = mmap(NULL, SERVED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	if (served_writes)
		page[0] = 1;
	kind.range = (struct uffdio_range){ (unsigned long)page, SERVED };
	if (ioctl(served_by, UFFDIO_REGISTER, &kind) != 0)
		CHECK_SKIP("this kernel does not serve such a page");
	if (served_writes)
		served_let_write(kind.range.start, 1);
	return page;
}

static void start_serving(int writes)
{
	struct uffdio_api asked = { .api = UFFD_API };
	pthread_t thread;
	asked.features = writes ? UFFD_FEATURE_PAGEFAULT_FLAG_WP : 0;
	served_writes = writes;
	served_by = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (served_by == -1 || ioctl(served_by, UFFDIO_API, &asked) != 0)
		CHECK_SKIP("userfaultfd is not allowed, or cannot do this");
	CHECK_EQ(pthread_create(&thread, NULL, serve, NULL), 0);
}

/* Whether this page was asked for, by an access of ours or of the kernel. */
static int was_served(int times)
{
	return __atomic_load_n(&served_times, __ATOMIC_SEQ_CST) == times;
}

#endif
