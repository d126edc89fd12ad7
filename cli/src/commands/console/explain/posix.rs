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
        &["mq_open"],
        "no queue has this name, and O_CREAT was not given; or the name is only a slash",
        "add O_CREAT to create it; `ls` lists the objects",
    ),
    row(
        Errno::ENOENT,
        OPENS,
        "no object has this name, and O_CREAT was not given",
        "add O_CREAT to create it; `ls` lists the objects",
    ),
    row(
        Errno::ENOENT,
        UNLINKS,
        "no object has this name: it may have been removed, or the name has a slash inside",
        "`ls` lists the objects",
    ),
    row(
        Errno::EEXIST,
        OPENS,
        "an object has this name already, and O_EXCL requires a new one",
        "omit O_EXCL to open that object, or unlink it first",
    ),
    row(
        Errno::EACCES,
        &["mq_open"],
        "the mode of the queue, or of the directory of objects, forbids this, or the name has a second slash",
        "`ls` shows owner and mode, `rsipc doctor` the directory; the name of a queue has one slash, at the start",
    ),
    row(
        Errno::EACCES,
        OPENS,
        "the mode of the object, or of the directory of objects, forbids this access",
        "`ls` shows owner and mode, `rsipc doctor` the directory; become that user, or create the object with a wider mode",
    ),
    row(
        Errno::EACCES,
        &["mq_unlink"],
        "only the owner of the queue, or of the directory, may remove it; or the name has a second slash",
        "`ls` shows the owner; the name of a queue has one slash, at the start",
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
        "the object was opened for less access than the mapping requires",
        "open it with O_RDWR, or map it with PROT_READ",
    ),
    row(
        Errno::EINVAL,
        &["sem_open"],
        "the name is empty or has a slash inside, the value is above 2147483647, or the file is not a semaphore",
        "write the name as /name, and a value from 0 to 2147483647",
    ),
    row(
        Errno::EINVAL,
        &["mq_open"],
        "the name has no slash in front, the access mode is invalid, MAXMSG is not 1 to 65536, MSGSIZE is not 1 to 16777216, or the file is no queue of this version of librsipc",
        "write the name as /name, and O_RDWR|O_CREAT 0600 10 8192; `rsipc doctor` lists old queues",
    ),
    row(
        Errno::EINVAL,
        &["shm_open"],
        "the name is empty or has a slash inside, or it is the name of a directory",
        "write the name as /name",
    ),
    row(
        Errno::EINVAL,
        &["sem_init"],
        "the value is above SEM_VALUE_MAX, 2147483647",
        "use a smaller one",
    ),
    row(
        Errno::EINVAL,
        &["sem_close"],
        "this is not an open named semaphore",
        "`sem_destroy` is for semaphores of sem_init",
    ),
    row(
        Errno::EINVAL,
        &["sem_clockwait"],
        "the clock is neither CLOCK_REALTIME nor CLOCK_MONOTONIC",
        "use one of these",
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
        "no such signal exists",
        "use SIGUSR1, SIGUSR2, or SIGRTMIN to SIGRTMIN+30",
    ),
    row(
        Errno::EINVAL,
        &["mq_send", "mq_timedsend"],
        "the priority is 32768 or above (MQ_PRIO_MAX)",
        "use a smaller one",
    ),
    row(
        Errno::EINVAL,
        &["ftruncate"],
        "the object was opened read-only, or the length is invalid",
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
        "the name is too long: the maximum is 255 bytes, and 251 for a semaphore",
        "use a shorter one",
    ),
    row(
        Errno::EOVERFLOW,
        &["sem_post"],
        "the value is at its maximum, SEM_VALUE_MAX (2147483647)",
        "there are more posts than waits; the value is unchanged",
    ),
    row(
        Errno::ENOSPC,
        &["mq_open"],
        "the directory of objects has no space for MAXMSG messages of MSGSIZE bytes",
        "make one of them smaller; `rsipc doctor` shows the space, `rsipc clean` removes what no process has open",
    ),
    row(
        Errno::ENOSPC,
        &["sem_open", "ftruncate"],
        "the directory of objects is full",
        "`rsipc clean` removes what no process has open; `rsipc doctor` shows its size",
    ),
    row(Errno::ENOMEM, &["mmap"], "there is no space for so large a mapping", "map less"),
    row(
        Errno::EMFILE,
        &["mq_open", "shm_open", "sem_open"],
        "this process has reached its limit of open files",
        "close some, or raise the limit: `ulimit -n`",
    ),
    row(
        Errno::EFBIG,
        &["ftruncate"],
        "the object would be larger than the maximum size of a file",
        "use a smaller length",
    ),
    row(Errno::EAGAIN, &["sem_trywait"], "the value is 0 now", "`sem_wait` sleeps until a post"),
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
        "SIGEV_THREAD needs a thread, and the limit of threads is reached",
        "end some threads",
    ),
    row(
        Errno::ETIMEDOUT,
        &["sem_timedwait", "sem_clockwait"],
        "the value stayed 0 until the deadline",
        "the value is unchanged; wait longer, or see which process should post: `rsipc graph`",
    ),
    row(
        Errno::ETIMEDOUT,
        &["mq_timedsend"],
        "no space became free before the deadline",
        "nothing was sent; `rsipc stat NAME` shows which processes could receive",
    ),
    row(
        Errno::ETIMEDOUT,
        &["mq_timedreceive"],
        "no message arrived before the deadline",
        "`rsipc stat NAME` shows which processes could send",
    ),
    row(
        Errno::EINTR,
        SLEEPING,
        "a signal interrupted the call while it slept: here, by Ctrl-C or `interrupt`",
        "nothing has changed; a program repeats the call when errno is EINTR",
    ),
    row(
        Errno::EBUSY,
        &["mq_notify"],
        "a process is registered already, possibly this one",
        "`rsipc stat NAME` shows which; only one process at a time can be registered",
    ),
    row(
        Errno::EMSGSIZE,
        &["mq_send", "mq_timedsend"],
        "the message is longer than the queue's msgsize",
        "`mq_getattr` shows it; send a shorter message, or create a queue for longer ones",
    ),
    row(
        Errno::EMSGSIZE,
        &["mq_receive", "mq_timedreceive"],
        "the buffer is smaller than the queue's msgsize, even if the message is shorter",
        "`mq_getattr` shows it; give at least that size",
    ),
    row(
        Errno::EBADF,
        &["mq_send", "mq_timedsend"],
        "this is not an open queue, or it was opened with O_RDONLY",
        "`list` shows what is open; open it with O_WRONLY or O_RDWR",
    ),
    row(
        Errno::EBADF,
        &["mq_receive", "mq_timedreceive"],
        "this is not an open queue, or it was opened with O_WRONLY",
        "`list` shows what is open; open it with O_RDONLY or O_RDWR",
    ),
    row(
        Errno::EBADF,
        MQ_CALLS,
        "this is not an open queue",
        "`list` shows what is open; `mq_open` opens one",
    ),
    row(
        Errno::EBADMSG,
        &["mq_receive", "mq_timedreceive"],
        "the contents of the queue are invalid: a process has written to its file",
        "remove it with `mq_unlink`, and create it again",
    ),
];
