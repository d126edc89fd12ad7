//! Mappings of files that may be objects: `/proc/PID/maps`.
//!
//! Parsed from bytes, since a single file name that is no UTF-8 would spoil the whole text.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::interest::Interest;
use super::pid::Pid;
use crate::objects::file::FileId;

/// What the kernel writes behind the path of a file that has no name any more.
pub const DELETED: &[u8] = b" (deleted)";

/// A mapping that several processes share, or a private one of a file that may be an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub range: Range<u64>,
    /// Of the start in the file.
    pub offset: u64,
    pub id: FileId,
    /// As the kernel shows it.
    pub path: PathBuf,
    pub deleted: bool,
    /// Changes in it are seen by others.
    pub shared: bool,
    /// It may be written.
    pub writable: bool,
}

impl Mapping {
    /// Where in the file an address of the mapping lies.
    pub fn file_offset(&self, address: u64) -> u64 {
        address - self.range.start + self.offset
    }
}

pub fn of(pid: Pid, interest: &Interest) -> io::Result<Vec<Mapping>> {
    Ok(parse(&fs::read(format!("/proc/{pid}/maps"))?, interest))
}

fn parse(maps: &[u8], interest: &Interest) -> Vec<Mapping> {
    let mappings = maps.split(|&byte| byte == b'\n').filter_map(parse_line);
    mappings.filter(|mapping| mapping.shared || interest.includes(&mapping.path)).collect()
}

/// `7f12a000-7f12b000 rw-s 00000000 00:19 1234      /dev/shm/sem.name`
fn parse_line(line: &[u8]) -> Option<Mapping> {
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let range = fields.next()?;
    // The last of the four flags: shared or private.
    let flags = fields.next()?;
    let (shared, writable) = (flags.get(3) == Some(&b's'), flags.get(1) == Some(&b'w'));
    let (start, end) = str::from_utf8(range).ok()?.split_once('-')?;
    let offset = str::from_utf8(fields.next()?).ok()?;
    let (major, minor) = str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let inode = str::from_utf8(fields.next()?).ok()?;
    let path = fields.next()?.trim_ascii_start();
    // Anonymous memory has none.
    if !path.starts_with(b"/") {
        return None;
    }
    let (path, deleted) = match path.strip_suffix(DELETED) {
        Some(path) => (path, true),
        None => (path, false),
    };
    let hexadecimal = |digits| u64::from_str_radix(digits, 16).ok();
    let device = |digits| u32::from_str_radix(digits, 16).ok();
    Some(Mapping {
        range: hexadecimal(start)?..hexadecimal(end)?,
        offset: hexadecimal(offset)?,
        id: FileId {
            device: libc::makedev(device(major)?, device(minor)?),
            inode: inode.parse().ok()?,
        },
        path: PathBuf::from(std::ffi::OsString::from_vec(unescape(path))),
        deleted,
        shared,
        writable,
    })
}

/// The kernel writes a line feed in a path as `\012`, and nothing else in another form.
fn unescape(path: &[u8]) -> Vec<u8> {
    const LINE_FEED: &[u8] = b"\\012";
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, after @ ..] = rest {
        if let Some(after) = rest.strip_prefix(LINE_FEED) {
            out.push(b'\n');
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_mappings_and_objects_count() {
        let maps = b"\
5581-5582 r--p 00000000 fe:01 77                         /usr/bin/cat\n\
7f00-8f00 rw-s 00001000 00:19 1234                       /dev/shm/sem.a\\012b\xff c (deleted)\n\
9000-a000 r--p 00000000 00:19 1235                       /dev/shm/private\n\
ffff-1ffff rw-p 00000000 00:00 0 \n\
f0000-f1000 rw-p 00000000 00:00 0 [stack]\n";
        let found = parse(maps, &interest());
        assert_eq!(found.len(), 2);
        assert_eq!((found[1].path.to_str(), found[1].shared), (Some("/dev/shm/private"), false));
        let mapping = &found[0];
        assert_eq!((mapping.range.clone(), mapping.offset), (0x7f00..0x8f00, 0x1000));
        assert_eq!(mapping.id, FileId { device: 0x19, inode: 1234 });
        let path = std::os::unix::ffi::OsStrExt::as_bytes(mapping.path.as_os_str());
        assert_eq!((path, mapping.deleted), (&b"/dev/shm/sem.a\nb\xff c"[..], true));
        assert_eq!(mapping.file_offset(0x7f10), 0x1010);
    }

    fn interest() -> Interest<'static> {
        Interest {
            directory: std::path::Path::new("/dev/shm"),
            file_names: std::collections::HashSet::new(),
        }
    }

    #[test]
    fn lines_that_make_no_sense_are_left_out() {
        assert_eq!(
            parse(b"\nx\n1-2 rw-s\n1-2 rw-s zz 00:01 1 /a\n1 rw-s 0 00:01 1 /a\n", &interest()),
            []
        );
    }
}
