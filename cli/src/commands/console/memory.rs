//! `shm_open` and what one does with a shared memory object.

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use rsipc_core::os::Errno;
use rsipc_core::posix::shm;

use super::arguments::{Arguments, Flags, OPEN_FLAGS};
use super::call::{Answer, Result, Step, Trouble};
use super::command::{Command, Family};
use super::mapping::Mapping;
use super::session::{OpenMemory, Session, is_in_use};
use crate::output::escape;

const PROTECTIONS: Flags = &[("PROT_READ", libc::PROT_READ), ("PROT_WRITE", libc::PROT_WRITE)];
/// Bytes that `read` shows when no number is given.
const SHOWN: usize = 64;

pub const COMMANDS: &[Command] = &[
    Command {
        name: "shm_open",
        family: Family::Memory,
        arguments: "NAME [FLAGS [MODE]]",
        summary: "open a shared memory object; O_CREAT creates it",
        more: "FLAGS: O_RDONLY or O_RDWR, with O_CREAT, O_EXCL, O_TRUNC. A new object has no bytes: `ftruncate` gives \
               it some. It returns a descriptor; in the console NAME stands for the last one.",
        example: "shm_open /m O_RDWR|O_CREAT 0600",
        failure: "-1",
        run: open,
    },
    Command {
        name: "ftruncate",
        family: Family::Memory,
        arguments: "SHM LENGTH",
        summary: "extend an object with zeros, or shorten it",
        more: "LENGTH: 4096, 64K, 1M.",
        example: "ftruncate /m 4096",
        failure: "-1",
        run: truncate,
    },
    Command {
        name: "fstat",
        family: Family::Memory,
        arguments: "SHM",
        summary: "print the size, the mode and the owner",
        more: "",
        example: "fstat /m",
        failure: "-1",
        run: stat,
    },
    Command {
        name: "mmap",
        family: Family::Memory,
        arguments: "SHM [LENGTH] [PROT]",
        summary: "map an object into the memory of the console, shared",
        more: "LENGTH: if not given, that of the object. PROT: PROT_READ, or PROT_READ|PROT_WRITE, which is meant if \
               none is given. `read` and `write` work on the mapping; /m:64 is a semaphore at byte 64.",
        example: "mmap /m",
        failure: "MAP_FAILED",
        run: map,
    },
    Command {
        name: "read",
        family: Family::Memory,
        arguments: "SHM [OFFSET [LENGTH]]",
        summary: "show bytes of a mapping",
        more: "This is no call but an access to memory, as by a pointer.",
        example: "read /m 0 16",
        failure: "",
        run: read,
    },
    Command {
        name: "write",
        family: Family::Memory,
        arguments: "SHM OFFSET TEXT",
        summary: "change bytes of a mapping",
        more: "This is no call but an access to memory, as by a pointer. $'\\377\\0' stands for bytes that cannot be typed.",
        example: "write /m 0 hello",
        failure: "",
        run: write,
    },
    Command {
        name: "munmap",
        family: Family::Memory,
        arguments: "SHM",
        summary: "remove a mapping; the object stays",
        more: "",
        example: "munmap /m",
        failure: "-1",
        run: unmap,
    },
    Command {
        name: "close",
        family: Family::Memory,
        arguments: "SHM",
        summary: "close the descriptor; mappings stay",
        more: "",
        example: "close /m",
        failure: "-1",
        run: close,
    },
    Command {
        name: "shm_unlink",
        family: Family::Memory,
        arguments: "NAME",
        summary: "remove the name; processes that use the object keep it",
        more: "",
        example: "shm_unlink /m",
        failure: "-1",
        run: unlink,
    },
];

fn open(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let name = arguments.name()?;
    let flags = arguments.flags(OPEN_FLAGS)?;
    let mode = if flags & libc::O_CREAT != 0 { arguments.mode_or(0o600)? } else { 0 };
    arguments.end()?;
    let file = File::from(shm::open(&name, flags, mode)?);
    let fd = file.as_raw_fd();
    session.memories.insert(fd, OpenMemory { label: name.as_bytes().to_vec(), file });
    Ok(Answer::returned(fd, "").into())
}

fn file(session: &Session, fd: RawFd) -> Result<&File> {
    session.memories.get(&fd).map(|memory| &memory.file).ok_or(Trouble::Failed(Errno::EBADF))
}

fn truncate(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let fd = session.memory(arguments.word("SHM")?)?;
    let length = arguments.amount("LENGTH")?;
    arguments.end()?;
    file(session, fd)?.set_len(length).map_err(Errno::from)?;
    Ok(Answer::zero().into())
}

fn stat(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    use std::os::unix::fs::MetadataExt;
    let fd = session.memory(arguments.word("SHM")?)?;
    arguments.end()?;
    let metadata = file(session, fd)?.metadata().map_err(Errno::from)?;
    let remark = format!(
        "size {}, mode {:04o}, user {}, group {}, names {}",
        metadata.len(),
        metadata.mode() & 0o7777,
        metadata.uid(),
        metadata.gid(),
        metadata.nlink()
    );
    Ok(Answer::returned(0, remark).into())
}

fn map(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let word = arguments.word("SHM")?;
    let fd = session.memory(word)?;
    let file = file(session, fd)?;
    let size = file.metadata().map_err(Errno::from)?.len();
    let length = arguments.amount_unless_flags("LENGTH", size)?;
    let protection = match arguments.flags(PROTECTIONS)? {
        0 => libc::PROT_READ | libc::PROT_WRITE,
        given => given,
    };
    arguments.end()?;
    let label = session.memories[&fd].label.clone();
    if session.mappings.contains_key(&label) {
        let what = format!(
            "{} is mapped already; the console keeps one mapping of a name",
            escape::word(&label)
        );
        return Err(Trouble::Refused(what, "`munmap` removes it".to_owned()));
    }
    let length = usize::try_from(length).map_err(|_| Errno::ENOMEM)?;
    let mapping = Mapping::new(file.try_clone().map_err(Errno::from)?, length, protection)?;
    let answer = Answer::returned(format_args!("{:p}", mapping.at(0)), format!("{length} bytes"));
    session.mappings.insert(label, Arc::new(mapping));
    Ok(answer.into())
}

/// By the name of the object, or by its descriptor.
fn mapping<'s>(session: &'s Session, word: &[u8]) -> Result<(&'s Arc<Mapping>, Vec<u8>)> {
    let label = match session.memory(word) {
        Ok(fd) => session.memories[&fd].label.clone(),
        // It may be closed, and still be mapped.
        Err(_) => word.to_vec(),
    };
    Ok((session.mapping(&label)?, label))
}

fn read(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let (mapping, _) = mapping(session, arguments.word("SHM")?)?;
    let offset: usize = arguments.number_or("OFFSET", 0)?;
    let length = arguments.number_or("LENGTH", mapping.len().saturating_sub(offset).min(SHOWN))?;
    arguments.end()?;
    Ok(Answer::text(escape::text(&mapping.read(offset, length)?)).into())
}

fn write(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let (mapping, _) = mapping(session, arguments.word("SHM")?)?;
    let offset = arguments.number("OFFSET")?;
    let text = arguments.word("TEXT")?;
    arguments.end()?;
    mapping.write(offset, text)?;
    Ok(Answer::text(format!("{} bytes written at byte {offset}", text.len())).into())
}

fn unmap(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let (mapping, label) = mapping(session, arguments.word("SHM")?)?;
    arguments.end()?;
    // Semaphores in it, or calls that sleep on them.
    if is_in_use(mapping) {
        let what = format!("{} contains semaphores, which would be lost", escape::word(&label));
        return Err(Trouble::Refused(
            what,
            "`sem_destroy` destroys them; `list` shows them".to_owned(),
        ));
    }
    session.mappings.remove(&label);
    Ok(Answer::zero().into())
}

fn close(session: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let fd = session.memory(arguments.word("SHM")?)?;
    arguments.end()?;
    session.memories.remove(&fd);
    Ok(Answer::zero().into())
}

fn unlink(_: &mut Session, arguments: &mut Arguments) -> Result<Step> {
    let name = arguments.name()?;
    arguments.end()?;
    shm::unlink(&name)?;
    Ok(Answer::zero().into())
}
