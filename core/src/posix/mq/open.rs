//! Opening queues: `mq_open`.

use core::ffi::c_int;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};

use super::poll::{fifo, pollers};
use crate::os::Errno;
use crate::os::Result;
use crate::os::filter;
use crate::os::membarrier;
use crate::os::settings;
use crate::posix::mq::descriptor::inherited;
use crate::posix::mq::descriptor::{self, Opened};
use crate::posix::mq::files::{self, Data, Fifo, Name};
use crate::posix::mq::layout::Geometry;
use crate::posix::mq::limits;
use crate::posix::mq::notify::internal;
use crate::posix::mq::permission::{self, Access};
use crate::shared::presence;
use crate::shared::thread::Thread;

/// How `mq_open` was asked to open.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// The flags of open(2): access mode, `O_CREAT`, `O_EXCL`, `O_NONBLOCK`.
    pub flags: c_int,
    /// Permission bits of a new one.
    pub mode: u32,
    /// maxmsg and msgsize of a new one, if the caller gave any.
    pub sizes: Option<(i64, i64)>,
}

/// A descriptor of the queue of this name. POSIX.1-2017, `mq_open`.
///
/// Errors: those of the name (`files::Name`); ENOENT, EEXIST; EINVAL for an access mode that is
/// none where the queue exists, for sizes out of range, and for a file that is not a queue of this
/// version, unless a new one was asked for; EACCES;
/// ENOSPC when the directory has no space, or the process may make no file so large; EMFILE.
pub fn open(name: &CStr, how: How) -> Result<RawFd> {
    let name = Name::new(name)?;
    Thread::prepare()?;
    membarrier::prepare();
    filter::look_while_opening();
    presence::prepare(&settings::get().dir);
    descriptor::free_closed();
    loop {
        let mut data = open_or_create(name, how)?;
        if let Some(fifo) = data.made.take() {
            return finish_new(name, data, fifo, how);
        }
        let access = Access::from_flags(how.flags)?;
        permission::check(&data.status, data.layout.mode(), access)?;
        match files::open_fifo(&data) {
            Ok((fifo, false)) => return finish(data, fifo, access, how.flags),
            // The queue may have been removed, and its FIFO, before this process made the FIFO
            // anew.
            Ok((fifo, true)) if files::has_name(name, &data) => {
                return finish(data, fifo, access, how.flags);
            }
            Ok((_, true)) => files::remove_fifo(&data),
            // The same, for a user that may not make the FIFO anew.
            Err(Errno::EACCES) if !files::has_name(name, &data) => {}
            Err(error) => return Err(error),
        }
    }
}

/// What cannot be used after all is not left behind. Linux judges the access mode of a queue that
/// exists alone.
#[inline(never)]
fn finish_new(name: Name<'_>, data: Data, fifo: Fifo, how: How) -> Result<RawFd> {
    let made = (data.status, fifo.known_as());
    let access = Access::from_flags(how.flags).unwrap_or(Access::NONE);
    finish(data, fifo, access, how.flags).inspect_err(|_| files::take_back(name, &made.0, made.1))
}

#[inline(never)]
fn open_or_create(name: Name<'_>, how: How) -> Result<Data> {
    let (create, exclusive) = (how.flags & libc::O_CREAT != 0, how.flags & libc::O_EXCL != 0);
    loop {
        let found = files::open(name);
        // Whatever it is: a queue of another version, too, and a file that is none.
        let may_exist = !matches!(found, Err(Errno::ENOENT | Errno::EMFILE | Errno::ENFILE));
        match found {
            _ if create && exclusive && may_exist && files::exists(name) => {
                return Err(Errno::EEXIST);
            }
            Err(Errno::ENOENT) if create => {}
            Err(Errno::EACCES) => return Access::from_flags(how.flags).and(Err(Errno::EACCES)),
            decided => return decided,
        }
        limits::check_count()?;
        let geometry = match how.sizes {
            Some((maxmsg, msgsize)) => Geometry::new(maxmsg, msgsize)?,
            None => limits::default_geometry(),
        };
        limits::check_sizes(geometry)?;
        match files::create(name, geometry, how.mode) {
            // Another process was faster.
            Err(Errno::EEXIST) if !exclusive => {}
            created => return created,
        }
    }
}

fn finish(data: Data, fifo: Fifo, access: Access, flags: c_int) -> Result<RawFd> {
    let done = set_up(data, &fifo, access, flags);
    let fd = fifo.file.into_raw_fd();
    // Another descriptor of the queue may be registered, and a close would end that.
    done.inspect_err(|_| internal::close_new(fd)).map(|()| fd)
}

#[inline(never)]
fn set_up(data: Data, fifo: &Fifo, access: Access, flags: c_int) -> Result<()> {
    fifo::set_up(&fifo.file, flags & libc::O_NONBLOCK != 0)?;
    inherited::set_magic(&fifo.file, access)?;
    data.layout.track_if_asked();
    let opened = Opened::new(data, &fifo.status, access);
    pollers::set_up(&opened, fifo.file.as_raw_fd());
    descriptor::insert(fifo.file.as_raw_fd(), opened)
}
