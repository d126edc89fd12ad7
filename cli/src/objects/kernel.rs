//! What the kernel has of System V objects of its own: those of programs that are not on librsipc.
//! From `/proc/sysvipc`, where a line of headings names the columns.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;

use super::Kind;
use crate::processes::{Mapping, Pid};

pub use super::sysv::{Account as Object, Contents};

/// All that there are, by kind and name. None of a kind that the kernel was built without, or where
/// /proc does not show it.
pub fn list() -> Vec<Object> {
    let kinds = [(Kind::Svmsg, "msg"), (Kind::Svsem, "sem"), (Kind::Svshm, "shm")];
    let mut objects: Vec<Object> = kinds
        .into_iter()
        .flat_map(|(kind, file)| {
            parse(kind, &fs::read_to_string(format!("/proc/sysvipc/{file}")).unwrap_or_default())
        })
        .collect();
    objects.sort_by_key(|object| (object.kind, object.name(), object.id));
    objects
}

/// A semaphore of the kernel.
pub struct Member {
    pub value: u64,
    pub pid: Pid,
    pub increase: u64,
    pub zero: u64,
}

/// The first semaphores of a set of the kernel. None: we may not read them, or it is gone. The call
/// goes to the kernel, whatever library is preloaded.
pub fn members(id: i32, count: u64) -> Option<Vec<Member>> {
    const SHOWN: u64 = 64;
    let ask = |number: u64, command: i32| -> Option<u64> {
        // SAFETY: these commands take no fourth argument.
        let answer = unsafe { libc::syscall(libc::SYS_semctl, id, number, command, 0) };
        u64::try_from(answer).ok()
    };
    let member = |number| {
        Some(Member {
            value: ask(number, libc::GETVAL)?,
            pid: Pid::try_from(ask(number, libc::GETPID)?).ok()?,
            increase: ask(number, libc::GETNCNT)?,
            zero: ask(number, libc::GETZCNT)?,
        })
    };
    (0..count.min(SHOWN)).map(member).collect()
}

/// Removes an object of the kernel. The call goes to the kernel, whatever library is preloaded.
pub fn remove(kind: Kind, id: i32) -> io::Result<()> {
    // SAFETY: this command takes no further argument.
    let answer = unsafe {
        match kind {
            Kind::Svsem => libc::syscall(libc::SYS_semctl, id, 0, libc::IPC_RMID),
            Kind::Svmsg => libc::syscall(libc::SYS_msgctl, id, libc::IPC_RMID, 0),
            _ => libc::syscall(libc::SYS_shmctl, id, libc::IPC_RMID, 0),
        }
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The id of the segment that is mapped: the number of the file that the kernel shows for it. None:
/// it is something else.
pub fn segment_of(mapping: &Mapping) -> Option<i32> {
    let is_segment = mapping.deleted && mapping.path.as_os_str().as_bytes().starts_with(b"/SYSV");
    is_segment.then(|| i32::try_from(mapping.id.inode).ok()).flatten()
}

fn parse(kind: Kind, text: &str) -> Vec<Object> {
    let mut lines = text.lines();
    let headings: Vec<&str> = lines.next().unwrap_or("").split_ascii_whitespace().collect();
    lines.filter_map(|line| Line::new(&headings, line).object(kind)).collect()
}

struct Line<'a> {
    headings: &'a [&'a str],
    fields: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn new(headings: &'a [&'a str], line: &'a str) -> Self {
        Self { headings, fields: line.split_ascii_whitespace().collect() }
    }

    fn field(&self, heading: &str) -> Option<&str> {
        let place = self.headings.iter().position(|known| *known == heading)?;
        self.fields.get(place).copied()
    }

    fn number<T: std::str::FromStr>(&self, heading: &str) -> Option<T> {
        self.field(heading)?.parse().ok()
    }

    /// 0 where there is none.
    fn time(&self, heading: &str) -> u64 {
        self.number(heading).unwrap_or(0)
    }

    fn object(&self, kind: Kind) -> Option<Object> {
        let (id, times) = match kind {
            Kind::Svsem => ("semid", ["otime", ""]),
            Kind::Svmsg => ("msqid", ["stime", "rtime"]),
            _ => ("shmid", ["atime", "dtime"]),
        };
        Some(Object {
            kind,
            key: self.number("key")?,
            id: self.number(id)?,
            owner: (self.number("uid")?, self.number("gid")?),
            creator: (self.number("cuid")?, self.number("cgid")?),
            mode: u32::from_str_radix(self.field("perms")?, 8).ok()?,
            times: times.map(|heading| self.time(heading)),
            changed: self.time("ctime"),
            contents: self.contents(kind)?,
        })
    }

    fn contents(&self, kind: Kind) -> Option<Contents> {
        Some(match kind {
            Kind::Svsem => Contents::Set { semaphores: self.number("nsems")? },
            Kind::Svmsg => Contents::Queue {
                messages: self.number("qnum")?,
                bytes: self.number("cbytes")?,
                last_sender: self.number("lspid")?,
                last_receiver: self.number("lrpid")?,
            },
            _ => Contents::Segment {
                bytes: self.number("size")?,
                attached: self.number("nattch")?,
                creator: self.number("cpid")?,
                last_user: self.number("lpid")?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel() {
        let sets = "\
       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime
     48879          7   640          3   100   101   102   103          0 1700000000
        -1         40   600          1     0     0     0     0 1700000009 1700000001
";
        let found = parse(Kind::Svsem, sets);
        assert_eq!((found[0].name(), found[1].name()), ("0x0000beef".into(), "0xffffffff".into()));
        assert_eq!((found[0].id, found[0].owner, found[0].mode), (7, (100, 101), 0o640));
        assert_eq!(found[0].creator, (102, 103));
        assert_eq!(found[0].contents, Contents::Set { semaphores: 3 });
        assert_eq!((found[1].last_use(), found[1].changed), (1_700_000_009, 1_700_000_001));
    }

    #[test]
    fn segments_that_are_to_go() {
        let segments = "\
key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap
0 5 1600 4096 11 12 2 0 0 0 0 9 8 7 0 0
";
        let found = parse(Kind::Svshm, segments);
        assert!(found[0].is_to_be_removed());
        assert_eq!((found[0].name(), found[0].times), ("5".to_owned(), [9, 8]));
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        assert_eq!(parse(Kind::Svmsg, ""), []);
        assert_eq!(parse(Kind::Svmsg, "key msqid\n1 2\nx\n"), []);
    }
}
