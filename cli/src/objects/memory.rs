//! Semaphores without a name in the private memory of a process: seen while a thread sleeps on
//! them.
//!
//! Nothing says that a word is a semaphore. It is taken for one if it looks like one that threads
//! sleep on: the value is 0, it counts as many waiters as sleep there at least, and no more than
//! the process has threads.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rsipc_core::posix::sem::SIZE;

use super::file::FileId;
use super::{Object, State, semaphore};
use crate::processes::{Pid, Process};
use crate::symbols::{Place, Symbols};

/// Where a semaphore without a name is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    pub pid: Pid,
    pub address: u64,
    pub region: Region,
}

impl Memory {
    /// The variable that it is, as far as the file tells.
    pub fn variable(&self) -> Option<String> {
        match &self.region {
            Region::Static { file, offset } => {
                Symbols::default().variable(&Place(file.clone(), *offset))
            }
            Region::Heap | Region::Stack | Region::Other => None,
        }
    }
}

/// What memory it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// What malloc(3) gives, mostly.
    Heap,
    /// Of the first thread.
    Stack,
    /// Variables of a program or a library.
    Static {
        file: String,
        /// From where the beginning of the file is mapped.
        offset: u64,
    },
    /// The stack of another thread, or memory of mmap(2).
    Other,
}

/// Of a `sem_t`: glibc's values of a semaphore of one process, and of one that is shared.
const PRIVATE_AT: usize = 8;
const PRIVATE: [u32; 2] = [0, 128];
/// The largest byte of the count of waiters.
const LARGEST_AT: usize = 7;

/// The number that stands for it where objects have those of their files: no device has it.
pub fn id(pid: Pid, address: u64) -> FileId {
    FileId { device: !u64::from(pid.unsigned_abs()), inode: address }
}

/// The semaphore at this address, if it looks like one that so many of the threads sleep on.
pub fn look_at(process: &Process, address: u64, sleepers: usize, threads: usize) -> Option<Object> {
    let (pid, witness) = (process.pid, process.witness);
    let mut bytes = [0; SIZE];
    let memory = File::open(format!("/proc/{witness}/mem")).ok()?;
    memory.read_exact_at(&mut bytes, address).ok()?;
    let state = read(bytes, address, sleepers, threads)?;
    let region = region(witness, address).unwrap_or(Region::Other);
    Some(Object {
        name: format!("{pid}@{address:#x}").into_bytes(),
        path: PathBuf::new(),
        id: id(pid, address),
        metadata: None,
        unlinked: false,
        elsewhere: None,
        memory: Some(Memory { pid, address, region }),
        link: None,
        state: State::Sem(Ok(state)),
    })
}

fn read(
    bytes: [u8; SIZE],
    address: u64,
    sleepers: usize,
    threads: usize,
) -> Option<semaphore::State> {
    let private = bytes[PRIVATE_AT..PRIVATE_AT + 4].try_into().map(u32::from_ne_bytes).ok()?;
    let state = semaphore::State::from_bytes(bytes);
    let is_one = address.is_multiple_of(8)
        && state.value == 0
        && (sleepers..=threads).contains(&(state.registered as usize))
        && bytes[LARGEST_AT] == 0
        && PRIVATE.contains(&private);
    is_one.then_some(state)
}

fn region(witness: Pid, address: u64) -> io::Result<Region> {
    let maps = fs::read(format!("/proc/{witness}/maps"))?;
    Ok(region_in(&String::from_utf8_lossy(&maps), address).unwrap_or(Region::Other))
}

/// What is not initialised of a file's variables has no name there, and follows what is.
fn region_in(maps: &str, address: u64) -> Option<Region> {
    let mut file: Option<(&str, u64, u64)> = None;
    for line in maps.lines() {
        let mut fields = line.splitn(6, ' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let (start, end) = (number(start)?, number(end)?);
        let path = fields.nth(4).unwrap_or_default().trim_start();
        file = match file {
            Some((before, first, last)) if path == before || (path.is_empty() && last == start) => {
                Some((before, first, end))
            }
            _ if path.starts_with('/') => Some((path, start, end)),
            _ => None,
        };
        if (start..end).contains(&address) {
            return Some(match (file, path) {
                (Some((file, first, _)), _) => {
                    Region::Static { file: file.to_owned(), offset: address - first }
                }
                (None, "[heap]") => Region::Heap,
                (None, "[stack]") => Region::Stack,
                (None, _) => Region::Other,
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
5000-6000 r--p 00000000 fe:01 77                         /usr/bin/a
6000-7000 rw-p 00001000 fe:01 77                         /usr/bin/a
7000-8000 rw-p 00000000 00:00 0 
9000-a000 rw-p 00000000 00:00 0                          [heap]
b000-c000 rw-p 00000000 00:00 0 
d000-e000 rw-p 00000000 00:00 0                          [stack]
";

    #[test]
    fn regions() {
        let of = |address| region_in(MAPS, address);
        let variable = |offset| Some(Region::Static { file: "/usr/bin/a".to_owned(), offset });
        assert_eq!([of(0x6010), of(0x7010)], [variable(0x1010), variable(0x2010)]);
        let others = [Some(Region::Heap), Some(Region::Other), Some(Region::Stack), None];
        assert_eq!([of(0x9010), of(0xb010), of(0xd010), of(0x1)], others);
    }

    #[test]
    fn what_looks_like_a_semaphore() {
        let bytes = |value: u32, waiters: u32, private: u32| {
            let mut bytes = [0xff; SIZE];
            let words = [value, waiters, private];
            let words = words.into_iter().flat_map(u32::to_ne_bytes).collect::<Vec<u8>>();
            bytes[..12].copy_from_slice(&words);
            bytes
        };
        let is_one = |bytes, address, sleepers| read(bytes, address, sleepers, 3).is_some();
        assert!(is_one(bytes(0, 2, 0), 8, 2) && is_one(bytes(0, 2, 128), 8, 1));
        assert!(!is_one(bytes(0, 2, 0), 12, 1), "no sem_t lies there");
        assert!(!is_one(bytes(0, 1, 0), 8, 2), "each of the two would be counted");
        assert!(!is_one(bytes(0, 4, 0), 8, 1), "there are three threads");
        assert!(!is_one(bytes(1, 1, 0), 8, 1) && !is_one(bytes(0, 1, 2), 8, 1));
        assert!(!is_one(bytes(0, 1 << 24 | 1, 0), 8, 1));
    }
}
