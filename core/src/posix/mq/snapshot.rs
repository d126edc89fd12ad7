//! A queue as an observer sees it, without changing it: from the bytes of its data file.
//!
//! Senders and receivers continue meanwhile. So a message is read first, and then its key is
//! checked again: if it is unchanged, the message was there.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use super::store::key;
use crate::os::Result;
use crate::os::file;
use crate::posix::mq::files::{self, Reader};
use crate::posix::mq::layout::{
    Geometry, HEADER_SIZE, Header, MessageHeader, NOTES, SlotHeader, VERSION, read_version,
};
use crate::posix::mq::notify::registration::Registered;
use crate::posix::mq::notify::request;
use crate::posix::mq::track::Track;

/// In the data file: the word that receivers sleep on while there is no message.
pub const MESSAGE_WORD: u64 = Header::MESSAGE_WORD;
/// In the data file: the word that senders sleep on while the queue is full.
pub const SPACE_WORD: u64 = Header::SPACE_WORD;

const KEY: usize = size_of::<u64>();

/// What a file in the directory of objects is to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// The data of the queue of this name, without its slash; `None` where only the header has the
    /// name.
    Data(Option<&'a [u8]>),
    /// The FIFO of a queue.
    Fifo,
    /// A part of the data of a queue that may lie in no file so large; and the inode of its data
    /// file.
    Part(Option<u64>),
    /// Nothing.
    Foreign,
}

/// The data file of the queue of this name. ENAMETOOLONG, EACCES and others, as for `mq_open`.
pub fn path(name: &CStr) -> Result<PathBuf> {
    files::Name::new(name).map(files::Name::path)
}

/// The version of the format of this file, if it is a queue of another version than ours.
pub fn other_version(file: &File) -> Option<u32> {
    let mut start = [0; 12];
    file.read_exact_at(&mut start, 0).ok()?;
    read_version(&start).filter(|&version| version != VERSION)
}

/// By the name of the file.
pub fn role(file_name: &[u8]) -> Role<'_> {
    if let Some(name) = file_name.strip_prefix(files::PREFIX.as_bytes()) {
        Role::Data(Some(name))
    } else if file_name.starts_with(files::HASHED_PREFIX.as_bytes()) {
        Role::Data(None)
    } else if file_name.starts_with(files::FIFO_PREFIX.as_bytes()) {
        Role::Fifo
    } else if file_name.starts_with(files::PART_PREFIX.as_bytes()) {
        Role::Part(files::first_part_of(file_name))
    } else {
        Role::Foreign
    }
}

/// A message in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    slot: usize,
    key: u64,
}

/// What a process keeps of a queue beyond a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// As the process knows itself.
    pub pid: u32,
    /// Slots on loan to it.
    pub loans: usize,
    /// Messages that it has borrowed.
    pub borrowed: usize,
}

/// A queue at one moment.
pub struct Snapshot {
    inode: u64,
    reader: Reader,
    header: Box<Header>,
    geometry: Geometry,
    messages: Vec<Message>,
}

impl Snapshot {
    /// Errors: EINVAL if the file is not that of a queue; those of pread(2).
    pub fn at(file: &File) -> Result<Self> {
        let header = Header::copy(file)?;
        let geometry = header.geometry()?;
        let inode = file::status(file.as_raw_fd())?.st_ino;
        let reader = Reader::new(file)?;
        let mut keys = vec![0; geometry.maxmsg * KEY];
        reader.read(file, &mut keys, HEADER_SIZE)?;
        let keys = keys
            .chunks_exact(KEY)
            .map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap_or_default()));
        let mut messages: Vec<Message> = keys
            .enumerate()
            .filter(|(_, key)| key::is_message(*key))
            .map(|(slot, key)| Message { slot, key })
            .collect();
        messages.sort_by_key(|message| core::cmp::Reverse(message.key));
        Ok(Self { inode, reader, header, geometry, messages })
    }

    /// The name, without the slash.
    pub fn name(&self) -> Vec<u8> {
        self.header.name()
    }

    /// The permission bits that `mq_open` enforces. Those of the file may be wider.
    pub fn mode(&self) -> u32 {
        self.header.mode()
    }

    /// The sizes.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The FIFO that descriptors of this queue really are.
    pub fn fifo(&self) -> PathBuf {
        files::fifo_path(self.inode, self.header.fifo().nonce)
    }

    /// The files beside the data file that the data lies in, where one file was not enough.
    pub fn parts(&self, file: &File) -> Vec<PathBuf> {
        files::parts_of(file).map(|parts| parts.paths()).unwrap_or_default()
    }

    /// Which process is to be notified of the next message into the empty queue, as the kernel
    /// knows it. `None` as well where the FIFO may not be opened.
    pub fn registered(&self) -> Option<Registered> {
        let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
        let fifo = OpenOptions::new().read(true).custom_flags(flags).open(self.fifo()).ok()?;
        request::registered(fifo.as_raw_fd(), self.header.notify().in_force())
    }

    /// Who sent and who received last. `None`: that is not recorded.
    pub fn track(&self) -> Option<Track> {
        self.header.track().known()
    }

    /// The number of messages ever sent. One whose sender was killed may count, or not.
    pub fn sent(&self, file: &File) -> Result<u64> {
        if self.geometry.has_tree() {
            return Ok(self.header.sent());
        }
        let mut sum = 0_u64;
        for slot in 0..self.geometry.maxmsg {
            let mut written = [0; size_of::<u64>()];
            self.reader.read(file, &mut written, self.geometry.written_at(slot))?;
            // The bytes may be any.
            sum = sum.wrapping_add(u64::from_ne_bytes(written));
        }
        Ok(sum)
    }

    /// The messages, in the order in which they will be received.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The processes that keep something now. What the dead had is not theirs any more.
    pub fn kept(&self, file: &File) -> Result<Vec<Kept>> {
        let holders = self.header.holders().used().iter();
        let mut all: Vec<(u32, Kept)> = holders
            .filter(|entry| entry.owner() != 0 && !entry.is_marked())
            .map(|entry| (entry.owner(), Kept { pid: entry.pid(), loans: 0, borrowed: 0 }))
            .collect();
        // A process that has opened the queue twice has two entries.
        all.sort_unstable_by_key(|(owner, _)| *owner);
        all.dedup_by_key(|(owner, _)| *owner);
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let mut claims = vec![0; self.geometry.maxmsg * size_of::<u32>()];
        self.reader.read(file, &mut claims, self.geometry.claims_at())?;
        for (slot, claim) in claims.as_chunks().0.iter().enumerate() {
            let owner = u32::from_ne_bytes(*claim);
            let Some((_, kept)) = all.iter_mut().find(|(of, _)| *of == owner) else { continue };
            let has_message = self.messages.iter().any(|message| message.slot == slot);
            *(if has_message { &mut kept.borrowed } else { &mut kept.loans }) += 1;
        }
        let keeps = |kept: &Kept| kept.loans + kept.borrowed > 0;
        Ok(all.into_iter().map(|(_, kept)| kept).filter(keeps).collect())
    }

    /// Bytes of a message. `None`: it has been received meanwhile.
    pub fn length(&self, file: &File, message: &Message) -> Result<Option<usize>> {
        let mut header = [0; size_of::<MessageHeader>()];
        self.reader.read(file, &mut header, self.geometry.slot_at(message.slot))?;
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) & !NOTES;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(self.geometry.msgsize);
        Ok(message.is_there(file, &self.reader)?.then_some(length))
    }

    /// A message itself. `None`: it has been received meanwhile.
    pub fn body(&self, file: &File, message: &Message) -> Result<Option<Vec<u8>>> {
        let Some(length) = self.length(file, message)? else { return Ok(None) };
        let mut body = vec![0; length];
        let at = self.geometry.slot_at(message.slot) + size_of::<SlotHeader>();
        self.reader.read(file, &mut body, at)?;
        Ok(message.is_there(file, &self.reader)?.then_some(body))
    }
}

impl Message {
    /// As it was sent with.
    pub fn priority(&self) -> u32 {
        key::priority(self.key)
    }

    /// Its place in the order of sending, among the messages that are there.
    pub fn sequence(&self) -> u64 {
        key::sequence(self.key)
    }

    /// Tells it from all others of its queue for as long as it is in it.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// The slot that it lies in.
    pub fn slot(&self) -> usize {
        self.slot
    }

    fn is_there(&self, file: &File, reader: &Reader) -> Result<bool> {
        let mut key = [0; KEY];
        reader.read(file, &mut key, HEADER_SIZE + self.slot * KEY)?;
        Ok(u64::from_ne_bytes(key) == self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::Errno;
    use crate::posix::mq::layout::{Birth, FifoId, Layout, PartsId};
    use memmap2::MmapOptions;
    use std::fs;

    const GEOMETRY: Geometry = Geometry { maxmsg: 40, msgsize: 100 };

    /// A queue of two messages in a file without a name.
    fn queue(geometry: Geometry) -> (File, Layout, memmap2::MmapRaw) {
        let path = std::env::temp_dir().join(format!(
            "rsipc-snapshot-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let file =
            fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        fs::remove_file(path).unwrap();
        file.set_len(geometry.file_size() as u64).unwrap();
        let map = MmapOptions::new().len(geometry.file_size()).map_raw(&file).unwrap();
        let birth = Birth {
            geometry,
            mode: 0o620,
            fifo: FifoId { nonce: 0xabc, inode: 1 },
            parts: PartsId::default(),
            name: b"queue",
        };
        // SAFETY: a mapping of that size, which no other thread knows and which outlives the
        // layout.
        let layout = unsafe {
            Layout::initialise(map.as_mut_ptr(), birth).unwrap();
            Layout::new(map.as_mut_ptr(), geometry)
        };
        for (slot, priority, body) in [(3, 1, "later"), (geometry.maxmsg - 1, 7, "first!")] {
            let header = MessageHeader::plain(u32::try_from(body.len()).unwrap());
            // SAFETY: no other thread works on this queue.
            unsafe {
                let (head, into) = layout.next_message(slot);
                head.write(header);
                into.copy_from_nonoverlapping(body.as_ptr(), body.len());
            }
            store(&layout, slot, key::new(priority, 5));
        }
        (file, layout, map)
    }

    fn store(layout: &Layout, slot: usize, key: u64) {
        layout.slots().index.keys()[slot].store(key, crate::atomic::Ordering::SeqCst);
    }

    #[test]
    fn messages_in_the_order_of_delivery() {
        let (file, _layout, _map) = queue(GEOMETRY);
        let snapshot = Snapshot::at(&file).unwrap();
        assert_eq!(
            (snapshot.name().as_slice(), snapshot.mode(), snapshot.geometry()),
            (&b"queue"[..], 0o620, GEOMETRY)
        );
        assert!(snapshot.fifo().to_string_lossy().ends_with(".0000000000000abc"));
        assert_eq!(snapshot.registered(), None);
        let seen: Vec<_> = snapshot
            .messages()
            .iter()
            .map(|message| (message.priority(), snapshot.body(&file, message).unwrap().unwrap()))
            .collect();
        assert_eq!(seen, [(7, b"first!".to_vec()), (1, b"later".to_vec())]);
    }

    #[test]
    fn what_was_sent_is_counted_with_a_tree_and_without() {
        let (file, layout, _map) = queue(GEOMETRY);
        assert_eq!(
            Snapshot::at(&file).unwrap().sent(&file),
            Ok(0),
            "this test has stored its messages by hand"
        );
        layout.slots().sequence.fetch_add(3, crate::atomic::Ordering::SeqCst);
        assert_eq!(Snapshot::at(&file).unwrap().sent(&file), Ok(3));

        let (file, layout, _map) = queue(Geometry { maxmsg: 5, ..GEOMETRY });
        let snapshot = Snapshot::at(&file).unwrap();
        assert_eq!(snapshot.sent(&file), Ok(2));
        let header = MessageHeader::plain(1);
        for slot in [0, 3, 3] {
            // SAFETY: no other thread works on this queue.
            unsafe { layout.next_message(slot).0.write(header) };
        }
        assert_eq!(snapshot.sent(&file), Ok(5));
    }

    #[test]
    fn a_message_that_goes_meanwhile_is_not_shown() {
        let (file, layout, _map) = queue(GEOMETRY);
        let snapshot = Snapshot::at(&file).unwrap();
        store(&layout, 39, key::FREE);
        assert_eq!(snapshot.body(&file, &snapshot.messages()[0]).unwrap(), None);
        assert!(snapshot.body(&file, &snapshot.messages()[1]).unwrap().is_some());
    }

    #[test]
    fn a_file_of_another_kind_or_size_is_refused() {
        let (file, _layout, _map) = queue(GEOMETRY);
        file.set_len(GEOMETRY.file_size() as u64 - 64).unwrap();
        assert_eq!(Snapshot::at(&file).err(), Some(Errno::EINVAL));
        file.set_len(0).unwrap();
        assert_eq!(Snapshot::at(&file).err(), Some(Errno::EINVAL));
    }

    #[test]
    fn files_by_their_names() {
        assert_eq!(role(b"rsipc-mq.a"), Role::Data(Some(b"a")));
        assert_eq!(role(b"rsipc-mqh.0123"), Role::Data(None));
        assert_eq!(role(b"rsipc-mqf.0123"), Role::Fifo);
        assert_eq!(role(b"rsipc-mqp.1f.0123456789abcdef.7"), Role::Part(Some(0x1f)));
        assert_eq!(role(b"sem.a"), Role::Foreign);
    }
}
