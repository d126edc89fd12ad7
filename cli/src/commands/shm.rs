//! `rsipc shm`: the calls on shared memory objects, and reading and writing System V segments.

mod segment;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd};

use clap::{Args, Subcommand};
use rsipc_core::os::Errno;
use rsipc_core::posix::shm;

use super::creation::Creation;
use crate::failure::{Failure, Result};
use crate::objects::Kind;
use crate::objects::name::{self, Name};
use crate::objects::target::Target;
use crate::objects::trouble::Subject;
use crate::output::progress::{Counted, Progress};
use crate::output::{self, amount, hex};
use crate::survey::Survey;

/// Create, read, write and remove shared memory objects
#[derive(Args)]
#[command(arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Create an object filled with zeros
    Create {
        #[arg(value_parser = Target::parser_of_names(Kind::Shm), help = name::HELP)]
        name: Name,
        /// Length in bytes, such as 4096, 64K or 1M
        #[arg(long, value_parser = amount::parse)]
        size: u64,
        #[command(flatten)]
        creation: Creation,
    },
    /// Write the contents of an object or a System V segment to standard output
    Read {
        #[arg(value_name = "NAME", value_parser = Target::parser_of(Kind::Shm), help = HELP)]
        target: Target,
        /// Skip this many bytes
        #[arg(long, default_value = "0", value_parser = amount::parse)]
        offset: u64,
        /// Stop after this many bytes
        #[arg(long, value_parser = amount::parse)]
        length: Option<u64>,
        /// Show the bytes in hexadecimal, with text beside them
        #[arg(long)]
        hex: bool,
    },
    /// Write standard input into an object, which grows if necessary, or into a System V segment
    Write {
        #[arg(value_name = "NAME", value_parser = Target::parser_of(Kind::Shm), help = HELP)]
        target: Target,
        /// Start at this byte
        #[arg(long, default_value = "0", value_parser = amount::parse)]
        offset: u64,
        /// Truncate the object where the input ends
        #[arg(long)]
        truncate: bool,
    },
    /// Remove objects; a process that has one open or mapped keeps it
    Rm {
        /// Names of the objects
        #[arg(required = true, value_parser = Target::parser_of_names(Kind::Shm))]
        names: Vec<Name>,
    },
}

const HELP: &str = "Name of the object, with or without the slash, or the key of a System V segment, such as 0xbeef, or its id";

pub fn run(options: &Options) -> Result<()> {
    match &options.action {
        Action::Create { name, size, creation } => create(name, *size, creation),
        Action::Read { target, offset, length, hex } => read(target, *offset, *length, *hex),
        Action::Write { target, offset, truncate } => write(target, *offset, *truncate),
        Action::Rm { names } => names.iter().try_for_each(remove),
    }
}

fn subject(name: &Name) -> Subject<'_> {
    Subject { kind: Kind::Shm, name }
}

fn create(name: &Name, size: u64, creation: &Creation) -> Result<()> {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    let file = match shm::open(name.c_str(), flags, creation.exact_mode()) {
        Ok(fd) => File::from(fd),
        Err(error) if error.0 == libc::EEXIST && creation.if_missing => return Ok(()),
        Err(error) => return Err(subject(name).failed_as("create", error)),
    };
    reserve(&file, size).map_err(|error| {
        // An object without its memory is of no use, and nobody knows of it yet.
        let _ = shm::unlink(name.c_str());
        subject(name).failed("create", error)
    })
}

/// Takes the memory now, so that nobody gets a SIGBUS for the lack of it later.
fn reserve(file: &File, size: u64) -> io::Result<()> {
    file.set_len(size)?;
    let length = i64::try_from(size).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    if length == 0 {
        return Ok(());
    }
    // SAFETY: takes no pointers.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
        0 | libc::EOPNOTSUPP => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// The segment that is meant, if one is: there may be an object of POSIX whose name is a number.
fn segment(target: &Target, writes: bool, offset: u64) -> Result<Option<segment::Memory>> {
    match target.number {
        Some(typed) => segment::open(typed, writes, offset),
        None => Ok(None),
    }
}

fn read(target: &Target, offset: u64, length: Option<u64>, hex: bool) -> Result<()> {
    let most = length.unwrap_or(u64::MAX);
    if let Some(memory) = segment(target, false, offset)? {
        let total = memory.remaining().min(most);
        return show(memory.take(most), total, &target.shown(), offset, hex);
    }
    let mut file = open(target, libc::O_RDONLY)?;
    let name = target.name();
    file.seek(SeekFrom::Start(offset)).map_err(|error| subject(name).failed("read", error))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let total = size.saturating_sub(offset).min(most);
    show(file.take(most), total, &name.shown(), offset, hex)
}

/// `total` is how many bytes there will be, as far as is known.
fn show(from: impl Read, total: u64, name: &str, offset: u64, hex: bool) -> Result<()> {
    let mut from = Counted::new(from, Progress::of_bytes(Some(total)).beside_output());
    let copied = output::write(|mut out| {
        if hex {
            return hex::dump(from, offset, |line| out.write_all(line.as_bytes()));
        }
        io::copy(&mut from, &mut out).map(drop)
    });
    copied.map_err(|error| {
        Failure::call(format_args!("cannot copy {name} to standard output"), error)
    })
}

/// The standard input. How long a file there is, is known.
fn input() -> impl Read {
    let stdin = io::stdin().lock();
    let file = stdin.as_fd().try_clone_to_owned().map(File::from);
    let metadata = file.and_then(|file| file.metadata()).ok().filter(Metadata::is_file);
    Counted::new(stdin, Progress::of_bytes(metadata.map(|metadata| metadata.len())))
}

fn write(target: &Target, offset: u64, truncate: bool) -> Result<()> {
    let failed = |name: &str, error| {
        Failure::call(format_args!("cannot copy standard input to {name}"), error)
    };
    if let Some(mut memory) = segment(target, true, offset)? {
        return match io::copy(&mut input(), &mut memory) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WriteZero => {
                let what = format!("the segment {} ends before the input does", target.shown());
                Err(Failure::new(what)
                    .advise("a segment does not grow; the part before its end is written"))
            }
            Err(error) => Err(failed(&target.shown(), error)),
        };
    }
    let mut file = open(target, libc::O_RDWR)?;
    let name = target.name();
    file.seek(SeekFrom::Start(offset)).map_err(|error| subject(name).failed("write", error))?;
    let written =
        io::copy(&mut input(), &mut file).map_err(|error| failed(&name.shown(), error))?;
    if truncate {
        file.set_len(offset + written).map_err(|error| subject(name).failed("shorten", error))?;
    }
    Ok(())
}

fn remove(name: &Name) -> Result<()> {
    shm::unlink(name.c_str()).map_err(|error| subject(name).failed_as("remove", error))
}

/// The object of POSIX, unless one of System V is asked for.
fn open(target: &Target, flags: i32) -> Result<File> {
    let name = target.name();
    if !target.may_be(Kind::Shm) {
        return Err(none_is_called_so(target));
    }
    let opened = shm::open(name.c_str(), flags, 0);
    if opened.as_ref().is_err_and(|error| *error == Errno::ENOENT)
        && let Some(way) = Survey::way_to_unlinked(Kind::Shm, name)?
    {
        let opened = OpenOptions::new().read(true).write(flags == libc::O_RDWR).open(way);
        return opened.map_err(|error| subject(name).failed("open", error));
    }
    if opened.as_ref().is_err_and(|error| *error == Errno::ENOENT) && target.number.is_some() {
        return Err(none_is_called_so(target));
    }
    opened.map(File::from).map_err(|error| subject(name).failed_as("open", error))
}

fn none_is_called_so(target: &Target) -> Failure {
    let what = format!("there is no {}", target.describe(None));
    Failure::new(what).advise("`rsipc ls shm` lists those that there are")
}
