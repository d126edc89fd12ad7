//! What processes have mapped, as /proc shows (proc_pid_maps(5)).
//!
//! Async-signal-safe: bare system calls, and memory on the stack.

use core::ffi::CStr;
use core::fmt::Write;
use core::ops::ControlFlow;

use super::errno::Result;
use super::lines;
use super::open::Open;

/// A part of a process's memory that has one kind of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping<'l> {
    /// The first byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// Whether the process may write there now.
    pub is_writable: bool,
    /// Whether what the process writes there is written for all.
    pub is_shared: bool,
    /// Where it begins in the file, in bytes.
    pub offset: usize,
    /// The inode of the file; 0 = none.
    pub inode: u64,
    /// The path of the file as the process sees it, followed by ` (deleted)` if it has lost its
    /// name.
    pub path: &'l [u8],
}

impl<'l> Mapping<'l> {
    /// A line of the file.
    fn read(line: &'l [u8]) -> Option<Self> {
        let mut rest = line;
        let mut field = || {
            let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
            let field = &rest[..end];
            rest = rest[end..].trim_ascii_start();
            core::str::from_utf8(field).ok()
        };
        let (start, end) = field()?.split_once('-')?;
        let permissions = field()?;
        let offset = field()?;
        let _device = field()?;
        let inode = field()?;
        let hex = |text| usize::from_str_radix(text, 16).ok();
        Some(Self {
            start: hex(start)?,
            end: hex(end)?,
            is_writable: permissions.as_bytes().get(1) == Some(&b'w'),
            is_shared: permissions.as_bytes().get(3) == Some(&b's'),
            offset: hex(offset)?,
            inode: inode.parse().ok()?,
            path: rest,
        })
    }
}

/// What a look ends with: nothing more is wanted, or all has been seen.
pub type Look = ControlFlow<()>;

const OWN: &CStr = c"/proc/self/maps";
const OWN_BY_THREAD: &CStr = c"/proc/thread-self/maps";

/// Bytes of a line, at most: a path has 4095.
const LINE: usize = 4096 + 128;

/// Shows all mappings of this process, in the order of their addresses.
///
/// Errors: those of open(2) and read(2): without /proc, ENOENT.
pub fn each_of_own(mut look: impl FnMut(&Mapping<'_>) -> Look) -> Result<()> {
    match each_in(OWN, &mut look) {
        // The first thread of the process has ended.
        Ok(false) => each_in(OWN_BY_THREAD, look).map(drop),
        looked => looked.map(drop),
    }
}

/// Whether there is such a file: /proc is mounted, and this process is in it.
pub fn are_shown() -> bool {
    Open::new(OWN, libc::O_RDONLY).is_ok()
}

/// Shows all mappings of another process. One whose first thread has ended shows them where its
/// other threads are.
pub fn each_of(pid: u32, mut look: impl FnMut(&Mapping<'_>) -> Look) -> Result<()> {
    let path = Name::new(format_args!("/proc/{pid}/maps"));
    if each_in(path.as_c_str(), &mut look).unwrap_or(false) {
        return Ok(());
    }
    let threads = Name::new(format_args!("/proc/{pid}/task"));
    each_number(threads.as_c_str(), |tid| {
        let path = Name::new(format_args!("/proc/{pid}/task/{tid}/maps"));
        match each_in(path.as_c_str(), &mut look) {
            Ok(true) => Look::Break(()),
            _ => Look::Continue(()),
        }
    })
}

/// Shows all processes that this one sees. Without /proc: ENOENT.
pub fn each_process(mut look: impl FnMut(u32)) -> Result<()> {
    each_number(c"/proc", |pid| {
        look(pid);
        Look::Continue(())
    })
}

/// Whether there was a mapping.
fn each_in(path: &CStr, mut look: impl FnMut(&Mapping<'_>) -> Look) -> Result<bool> {
    let file = Open::new(path, libc::O_RDONLY)?;
    let mut any = false;
    lines::each::<LINE>(&file, |line| match Mapping::read(line) {
        Some(mapping) => {
            any = true;
            look(&mapping)
        }
        None => Look::Continue(()),
    })?;
    Ok(any)
}

/// Shows all entries of a directory whose names are numbers.
fn each_number(path: &CStr, mut look: impl FnMut(u32) -> Look) -> Result<()> {
    /// Where in `struct linux_dirent64` its length and its name are.
    const LENGTH_AT: usize = 16;
    const NAME_AT: usize = 19;
    let directory = Open::new(path, libc::O_RDONLY | libc::O_DIRECTORY)?;
    let mut buffer = [0; 2048];
    loop {
        let read = directory.entries(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..read];
        while let Some(length) = rest.get(LENGTH_AT..LENGTH_AT + 2) {
            let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
            let Some(entry) = rest.get(NAME_AT..length) else { break };
            let name = CStr::from_bytes_until_nul(entry).unwrap_or_default();
            let number = name.to_str().ok().and_then(|name| name.parse().ok());
            if number.is_some_and(|number| look(number).is_break()) {
                return Ok(());
            }
            rest = &rest[length..];
        }
    }
}

/// A path below /proc.
pub struct Name {
    bytes: [u8; 96],
    length: usize,
}

impl Name {
    /// Cut if it is too long, which none is.
    pub fn new(text: core::fmt::Arguments<'_>) -> Self {
        let mut name = Self { bytes: [0; 96], length: 0 };
        let _ = name.write_fmt(text);
        name
    }

    /// For a system call.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

impl Write for Name {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes[..95].get_mut(self.length..end).ok_or(core::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let line = b"7f00-7f12 rw-s 00001000 00:1a 1234        /dev/shm/a b (deleted)";
        let expected = Mapping {
            start: 0x7f00,
            end: 0x7f12,
            is_writable: true,
            is_shared: true,
            offset: 0x1000,
            inode: 1234,
            path: b"/dev/shm/a b (deleted)",
        };
        assert_eq!(Mapping::read(line), Some(expected));
        let nameless = Mapping::read(b"7f00-7f12 rw-p 00000000 00:00 0 ").unwrap();
        assert_eq!((nameless.inode, nameless.path), (0, &b""[..]));
        assert!(!nameless.is_shared);
        assert_eq!(Mapping::read(b"rubbish"), None);
    }

    #[test]
    fn this_process_has_itself_mapped() {
        let here = this_process_has_itself_mapped as fn() as usize;
        let holds = |mapping: &Mapping<'_>| (mapping.start..mapping.end).contains(&here);
        let mut found = [false; 2];
        each_of_own(|mapping| {
            found[0] |= holds(mapping);
            Look::Continue(())
        })
        .unwrap();
        each_process(|pid| {
            if pid == std::process::id() {
                let _ = each_of(pid, |mapping| {
                    found[1] |= holds(mapping);
                    Look::Continue(())
                });
            }
        })
        .unwrap();
        assert_eq!(found, [true; 2]);
    }
}
