//! The forms of `read` and `write` that take a position, several buffers, or both: `<sys/uio.h>`
//! and `<unistd.h>`. Only queues concern us. What cbits/vectors.c calls is in `file`.

use std::ffi::{c_int, c_void};

use libc::{iovec, off_t, size_t, ssize_t};

use crate::entry::{jump_to, jumps_to};

jumps_to! {
    rsipc_c_readv(fd: c_int, iov: *const iovec, iovcnt: c_int) -> ssize_t;
    /// readv(2), which gives the status line of a queue, as read(2) does.
    readv;
}

jumps_to! {
    rsipc_c_preadv(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off_t) -> ssize_t;
    /// preadv(2)
    preadv;
    /// `preadv` for large files.
    preadv64;
}

jumps_to! {
    rsipc_c_preadv2(
        fd: c_int,
        iov: *const iovec,
        iovcnt: c_int,
        offset: off_t,
        flags: c_int,
    ) -> ssize_t;
    /// preadv2(2)
    preadv2;
    /// `preadv2` for large files.
    preadv64v2;
}

jumps_to! {
    rsipc_c_pwrite(fd: c_int, buf: *const c_void, count: size_t, offset: off_t) -> ssize_t;
    /// pwrite(2), which a queue refuses.
    pwrite;
    /// `pwrite` for large files.
    pwrite64;
}

jumps_to! {
    rsipc_c_writev(fd: c_int, iov: *const iovec, iovcnt: c_int) -> ssize_t;
    /// writev(2), which a queue refuses.
    writev;
}

jumps_to! {
    rsipc_c_pwritev(fd: c_int, iov: *const iovec, iovcnt: c_int, offset: off_t) -> ssize_t;
    /// pwritev(2)
    pwritev;
    /// `pwritev` for large files.
    pwritev64;
}

jumps_to! {
    rsipc_c_pwritev2(
        fd: c_int,
        iov: *const iovec,
        iovcnt: c_int,
        offset: off_t,
        flags: c_int,
    ) -> ssize_t;
    /// pwritev2(2)
    pwritev2;
    /// `pwritev2` for large files.
    pwritev64v2;
}
