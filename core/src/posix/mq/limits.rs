//! The kernel's limits on queues, where `RSIPC_MQ_LIMITS=kernel` asks for them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::store::key;
use crate::os::Errno;
use crate::os::Result;
use crate::os::credentials::{Capability, has};
use crate::os::settings;
use crate::posix::mq::files;
use crate::posix::mq::layout::Geometry;

/// Values of a kernel that does not tell.
const MSG_MAX: u64 = 10;
const MSGSIZE_MAX: u64 = 8192;
const QUEUES_MAX: u64 = 256;
/// What the kernel counts for each message beside its bytes, and for each priority that there may
/// be at a time.
const PER_MESSAGE: u64 = 48;
const PER_PRIORITY: u64 = 48;
/// Hard limits, for the privileged too.
const HARD_MSG_MAX: u64 = 65536;
const HARD_MSGSIZE_MAX: u64 = 16 << 20;

/// Whether there may be one more queue, whatever its sizes. ENOSPC when there are queues_max of
/// them.
pub fn check_count() -> Result<()> {
    let refused = settings::get().kernel_limits
        && !has(Capability::SysResource)
        && existing().count() as u64 >= limit("queues_max", QUEUES_MAX);
    if refused { Err(Errno::ENOSPC) } else { Ok(()) }
}

/// Whether a queue of these sizes may be created.
///
/// Errors, as those of mq_overview(7): EINVAL for sizes above msg_max and msgsize_max, EMFILE when
/// the user's queues would take more than RLIMIT_MSGQUEUE.
pub fn check_sizes(geometry: Geometry) -> Result<()> {
    if !settings::get().kernel_limits {
        return Ok(());
    }
    let (maxmsg, msgsize) = (geometry.maxmsg as u64, geometry.msgsize as u64);
    let (msg_max, msgsize_max) = if has(Capability::SysResource) {
        (HARD_MSG_MAX, HARD_MSGSIZE_MAX)
    } else {
        (limit("msg_max", MSG_MAX), limit("msgsize_max", MSGSIZE_MAX))
    };
    if maxmsg > msg_max || msgsize > msgsize_max {
        return Err(Errno::EINVAL);
    }
    // SAFETY: takes no arguments.
    let user = unsafe { libc::getuid() };
    let own: u64 = existing()
        .filter(|(owner, _)| *owner == user)
        .filter_map(|(_, path)| files::geometry_of(&path))
        .map(bytes)
        .sum();
    if own.saturating_add(bytes(geometry)) > msgqueue_limit() {
        return Err(Errno::EMFILE);
    }
    Ok(())
}

/// The attributes of a queue that is created without any.
pub fn default_geometry() -> Geometry {
    let default = crate::posix::mq::layout::DEFAULT;
    if !settings::get().kernel_limits {
        return default;
    }
    let of = |name, preset: usize| usize::try_from(limit(name, preset as u64)).unwrap_or(preset);
    Geometry {
        maxmsg: of("msg_default", default.maxmsg),
        msgsize: of("msgsize_default", default.msgsize),
    }
}

fn limit(name: &str, default: u64) -> u64 {
    let told = fs::read_to_string(format!("/proc/sys/fs/mqueue/{name}"));
    told.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(default)
}

fn bytes(geometry: Geometry) -> u64 {
    let (maxmsg, priorities) = (geometry.maxmsg as u64, u64::from(key::PRIORITIES));
    maxmsg * (geometry.msgsize as u64 + PER_MESSAGE) + maxmsg.min(priorities) * PER_PRIORITY
}

/// Owner and file of each queue, also of those that this process may not open.
fn existing() -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = fs::read_dir(&settings::get().dir).into_iter().flatten().flatten();
    entries.filter(|entry| files::is_data_name(&entry.file_name())).filter_map(|entry| {
        let status = entry.metadata().ok()?;
        status.is_file().then(|| (status.uid(), entry.path()))
    })
}

fn msgqueue_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writing.
    unsafe { libc::getrlimit(libc::RLIMIT_MSGQUEUE, &raw mut limit) };
    limit.rlim_cur
}
