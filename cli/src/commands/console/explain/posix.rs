//! The calls of POSIX, and those of the console itself.

use rsipc_core::os::Errno;

use super::meaning::{Meaning, row};

const OPENS: &[&str] = &["sem_open", "mq_open", "shm_open"];
const UNLINKS: &[&str] = &["sem_unlink", "mq_unlink", "shm_unlink"];
const NAMES: &[&str] =
    &["sem_open", "mq_open", "shm_open", "sem_unlink", "mq_unlink", "shm_unlink"];
const MQ_CALLS: &[&str] = &[
    "mq_send",
    "mq_receive",
    "mq_timedsend",
    "mq_timedreceive",
    "mq_getattr",
    "mq_setattr",
    "mq_notify",
    "mq_close",
];
const SLEEPING: &[&str] = &[
    "sem_wait",
    "sem_timedwait",
    "sem_clockwait",
    "mq_send",
    "mq_receive",
    "mq_timedsend",
    "mq_timedreceive",
    "wait",
];

/// The first row of a call and an error counts.
pub static TABLE: &[Meaning] = &[
    row(
        Errno::ENOENT,
        OPENS,
        "nothing has this name, and O_CREAT was not given",
        "add O_CREAT to make it; `ls` shows what there is",
    ),
    row(
        Errno::ENOENT,
        UNLINKS,
        "nothing has this name: it never had, or somebody has removed it",
        "`ls` shows what there is",
    ),
    row(
        Errno::EEXIST,
        OPENS,
        "something has this name already, and O_EXCL asks for a new one",
        "leave O_EXCL out to open what is there, or unlink it first",
    ),
    row(
        Errno::EACCES,
        &["mq_open"],
        "the mode of the queue does not allow it to you, or the name has a second slash",
        "`ls` shows owner and mode; a queue's name has one slash, in front",
    ),
    row(
        Errno::EACCES,
        OPENS,
        "the mode of the object does not allow it to you",
        "`ls` shows owner and mode; become that user, or make the object with a wider mode",
    ),
    row(
        Errno::EACCES,
        UNLINKS,
        "only the owner of the object, or of the directory, may remove it",
        "`ls` shows the owner",
    ),
    row(
        Errno::EACCES,
        &["mmap"],
        "the object was opened for less than the mapping wants",
        "open it with O_RDWR, or map it with PROT_READ",
    ),
    row(
        Errno::EINVAL,
        &["sem_open"],
        "the name is empty or has a slash inside, the value is above 2147483647, or the file is not a semaphore",
        "write the name as /name",
    ),
    row(
        Errno::EINVAL,
        &["mq_open"],
        "the name has no slash in front, the access mode is none, MAXMSG is not 1 to 65536, MSGSIZE is not 1 to 16777216, or the file is not a queue",
        "write the name as /name, and O_RDWR|O_CREAT 0600 10 8192",
    ),
    row(
        Errno::EINVAL,
        &["shm_open"],
        "the name is empty or has a slash inside, or it is a directory's",
        "write the name as /name",
    ),
    row(
        Errno::EINVAL,
        &["sem_init"],
        "the value is above SEM_VALUE_MAX, 2147483647",
        "take a smaller one",
    ),
    row(
        Errno::EINVAL,
        &["sem_close"],
        "this is not an open named semaphore",
        "`sem_destroy` is for those of sem_init",
    ),
    row(
        Errno::EINVAL,
        &["sem_clockwait"],
        "the clock is neither CLOCK_REALTIME nor CLOCK_MONOTONIC",
        "take one of the two",
    ),
    row(
        Errno::EINVAL,
        &["mq_setattr"],
        "only O_NONBLOCK can be set or cleared",
        "give O_NONBLOCK or 0",
    ),
    row(
        Errno::EINVAL,
        &["mq_notify"],
        "there is no such signal",
        "take SIGUSR1, SIGUSR2, or SIGRTMIN to SIGRTMIN+30",
    ),
    row(
        Errno::EINVAL,
        &["mq_send", "mq_timedsend"],
        "the priority is 32768 or above (MQ_PRIO_MAX)",
        "take a smaller one",
    ),
    row(
        Errno::EINVAL,
        &["ftruncate"],
        "the object was opened for reading only, or the length makes no sense",
        "open it with O_RDWR",
    ),
    row(
        Errno::EINVAL,
        &["mmap"],
        "the length is 0: a new object has no bytes",
        "give the object a size with `ftruncate` first",
    ),
    row(
        Errno::ENAMETOOLONG,
        NAMES,
        "the name is too long: 255 bytes are the most, 251 for a semaphore",
        "take a shorter one",
    ),
    row(
        Errno::EOVERFLOW,
        &["sem_post"],
        "the value is SEM_VALUE_MAX already, 2147483647",
        "somebody posts more than is taken; the value is unchanged",
    ),
    row(
        Errno::EOVERFLOW,
        &["mq_open"],
        "MAXMSG times MSGSIZE is too large",
        "make one of them smaller",
    ),
    row(
        Errno::ENOSPC,
        &["mq_open", "sem_open", "ftruncate"],
        "the directory of objects is full",
        "`rsipc clean` removes what no process has open; `rsipc doctor` shows its size",
    ),
    row(Errno::ENOMEM, &["mmap"], "there is no space for so large a mapping", "map less"),
    row(
        Errno::EMFILE,
        &["mq_open", "shm_open", "sem_open"],
        "this process has as many files open as it may",
        "close some, or raise the limit: `ulimit -n`",
    ),
    row(
        Errno::EFBIG,
        &["ftruncate"],
        "the object would be larger than a file can be",
        "take a smaller length",
    ),
    row(
        Errno::EAGAIN,
        &["sem_trywait"],
        "the value is 0 now",
        "`sem_wait` sleeps until there is one",
    ),
    row(
        Errno::EAGAIN,
        &["mq_send", "mq_timedsend"],
        "the queue is full, and the descriptor has O_NONBLOCK",
        "`mq_setattr MQ 0` makes the call sleep instead",
    ),
    row(
        Errno::EAGAIN,
        &["mq_receive", "mq_timedreceive"],
        "the queue is empty, and the descriptor has O_NONBLOCK",
        "`mq_setattr MQ 0` makes the call sleep instead",
    ),
    row(
        Errno::EAGAIN,
        &["mq_notify"],
        "SIGEV_THREAD needs a thread, and there can be no more",
        "end some",
    ),
    row(
        Errno::ETIMEDOUT,
        &["sem_timedwait", "sem_clockwait"],
        "the value stayed 0 until then",
        "nothing was taken; wait longer, or see who should post: `rsipc graph`",
    ),
    row(
        Errno::ETIMEDOUT,
        &["mq_timedsend"],
        "no space came free until then",
        "nothing was sent; see who should receive: `rsipc stat NAME`",
    ),
    row(
        Errno::ETIMEDOUT,
        &["mq_timedreceive"],
        "no message came until then",
        "see who should send: `rsipc stat NAME`",
    ),
    row(
        Errno::EINTR,
        SLEEPING,
        "a signal came while the call slept; here you sent it with Ctrl-C or `interrupt`",
        "nothing was taken or sent; a program makes the call again when errno is EINTR",
    ),
    row(
        Errno::EBUSY,
        &["mq_notify"],
        "a process is registered already, maybe this one",
        "`rsipc stat NAME` shows which; only one at a time can be",
    ),
    row(
        Errno::EMSGSIZE,
        &["mq_send", "mq_timedsend"],
        "the message is longer than the queue's msgsize",
        "`mq_getattr` shows it; send less, or make a queue for larger ones",
    ),
    row(
        Errno::EMSGSIZE,
        &["mq_receive", "mq_timedreceive"],
        "the buffer is smaller than the queue's msgsize, whatever the message is",
        "`mq_getattr` shows it; give at least that size",
    ),
    row(
        Errno::EBADF,
        &["mq_send", "mq_timedsend"],
        "this is no open queue, or it was opened with O_RDONLY",
        "`list` shows what is open; open it with O_WRONLY or O_RDWR",
    ),
    row(
        Errno::EBADF,
        &["mq_receive", "mq_timedreceive"],
        "this is no open queue, or it was opened with O_WRONLY",
        "`list` shows what is open; open it with O_RDONLY or O_RDWR",
    ),
    row(
        Errno::EBADF,
        MQ_CALLS,
        "this is no open queue",
        "`list` shows what is open; `mq_open` opens one",
    ),
    row(
        Errno::EBADMSG,
        &["mq_receive", "mq_timedreceive"],
        "the bytes of the queue make no sense: somebody has written into its file",
        "`mq_unlink` it and make it anew",
    ),
];
