//! The directory of objects.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::finding::Finding;
use crate::failure::reason;
use crate::objects::{self, Kind, queue};
use crate::output::{amount, escape};

const CHECK: &str = "directory";
const MEMORY: &str = "memory";
const FORMATS: &str = "formats";
/// What containers get when nobody asks for more.
const SMALL: u64 = 64 << 20;

pub fn check() -> Vec<Finding> {
    let directory = objects::directory();
    let shown = escape::word(directory.as_os_str().as_bytes());
    let metadata = match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return vec![Finding::bad(CHECK, format!("{shown} is not a directory"), SET_DIR)],
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Finding::bad(CHECK, format!("{shown} does not exist"), SET_DIR)];
        }
        Err(error) => {
            return vec![Finding::bad(CHECK, format!("{shown}: {}", reason(&error)), SET_DIR)];
        }
    };
    let mut findings = vec![rights(directory, &shown, &metadata)];
    findings.extend(memory(directory));
    findings.extend(old_objects());
    findings
}

/// Objects that the library refuses with EINVAL.
fn old_objects() -> Option<Finding> {
    let objects = objects::scan().unwrap_or_default();
    let is_old = |object: &&objects::Object| match object.kind() {
        Kind::Mq => objects::file::open(&object.path)
            .is_ok_and(|file| queue::other_version(&file).is_some()),
        kind => kind.is_sysv() && object.state.error().is_some_and(is_invalid),
    };
    let old: Vec<String> = objects.iter().filter(is_old).map(objects::Object::shown_name).collect();
    (!old.is_empty()).then(|| {
        Finding::note(
            FORMATS,
            format!(
                "made by another version of librsipc, which this version does not open: {}",
                old.join(", ")
            ),
            "run the version that made them, or remove them: `rsipc clean --force --older-than 0s NAME`",
        )
    })
}

/// The bytes are none of an object of this version.
fn is_invalid(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData
}

const SET_DIR: &str = "mount a tmpfs on /dev/shm (mode 1777), or let RSIPC_DIR name a directory that can be written; \
    programs on plain glibc use only /dev/shm";

fn rights(directory: &Path, shown: &str, metadata: &fs::Metadata) -> Finding {
    let mode = metadata.mode() & 0o7777;
    let Ok(path) = CString::new(directory.as_os_str().as_bytes()) else {
        return Finding::bad(CHECK, format!("{shown} has a NUL in its name"), SET_DIR);
    };
    // SAFETY: a C string.
    if unsafe { libc::access(path.as_ptr(), libc::R_OK | libc::W_OK | libc::X_OK) } != 0 {
        return Finding::bad(
            CHECK,
            format!("{shown} (mode {mode:04o}) is not writable for you"),
            SET_DIR,
        );
    }
    let others_write = mode & 0o002 != 0;
    let is_sticky = mode & libc::S_ISVTX != 0;
    if others_write && !is_sticky {
        return Finding::note(
            CHECK,
            format!("{shown} (mode {mode:04o}) lets each user remove the objects of all others"),
            format!("`chmod +t {shown}`, as root, lets only the owners remove them"),
        );
    }
    Finding::good(CHECK, format!("{shown} is writable, mode {mode:04o}"))
}

fn memory(directory: &Path) -> Option<Finding> {
    let path = CString::new(directory.as_os_str().as_bytes()).ok()?;
    // SAFETY: a C string, and plain data that each call fills in.
    let (kind, sizes) = unsafe {
        let (mut kind, mut sizes): (libc::statfs, libc::statvfs) =
            (std::mem::zeroed(), std::mem::zeroed());
        if libc::statfs(path.as_ptr(), &raw mut kind) != 0
            || libc::statvfs(path.as_ptr(), &raw mut sizes) != 0
        {
            return None;
        }
        (kind.f_type, sizes)
    };
    let (size, free) = (sizes.f_blocks * sizes.f_frsize, sizes.f_bavail * sizes.f_frsize);
    let text = format!("{} of {} free", amount::short(free), amount::short(size));
    if kind != libc::TMPFS_MAGIC {
        return Some(Finding::note(
            MEMORY,
            format!("{text}, on a file system that is not a tmpfs"),
            "objects work there, but may be written to a disk, and survive a restart of the machine",
        ));
    }
    Some(if free < SMALL / 8 {
        Finding::bad(
            MEMORY,
            text,
            "`rsipc clean` removes what no process uses; `mount -o remount,size=1G /dev/shm` makes space",
        )
    } else if size <= SMALL {
        Finding::note(
            MEMORY,
            text,
            "enough for small queues; a container gets more with --shm-size=1g",
        )
    } else {
        Finding::good(MEMORY, text)
    })
}
