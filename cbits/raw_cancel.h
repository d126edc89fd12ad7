/* A system call that is a cancellation point: RSIPC_CANCELLABLE(number of the call, arguments...).
 * -1 and errno when it fails. */
#ifndef RSIPC_RAW_CANCEL_H
#define RSIPC_RAW_CANCEL_H

#pragma GCC visibility push(hidden)
long rsipc_raw_cancellable(long number, const long *arguments);
#pragma GCC visibility pop

#define RSIPC_CANCELLABLE(number, ...) rsipc_raw_cancellable(number, (const long[6]){ __VA_ARGS__ })

#endif
