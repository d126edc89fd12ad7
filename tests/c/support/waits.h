/* The system calls that wait for a queue, a futex or readiness, by the numbers that /proc shows. */
#ifndef SUPPORT_WAITS_H
#define SUPPORT_WAITS_H

#include <sys/syscall.h>

static const long waits[] = {
#ifdef EMULATED_ON_X86_64
	/* An emulator passes a wait on to a machine whose calls have other numbers: futex,
	 * futex_waitv and futex_wait; mq_timedsend and mq_timedreceive; restart_syscall; ppoll,
	 * pselect6, epoll_pwait and epoll_pwait2; poll, select and epoll_wait. */
	202, 449, 455, 242, 243, 219, 271, 270, 281, 441, 7, 23, 232,
#else
	/* futex_waitv of Linux 5.16 and futex_wait of 6.7, which old headers have no names for. */
	449, 455,
	SYS_mq_timedsend, SYS_mq_timedreceive, SYS_futex,
	/* One of these with an end, after a stop. */
	SYS_restart_syscall,
	SYS_ppoll, SYS_pselect6, SYS_epoll_pwait,
#ifdef SYS_poll
	SYS_poll, SYS_select, SYS_epoll_wait,
#endif
#endif
};

#endif
