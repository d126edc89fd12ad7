//! `rsipc rm`: removes objects of any kind, ours and the kernel's.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::Args;
use rsipc_core::posix::{mq, sem, shm};
use rsipc_core::sysv::{msg, sem as sets, shm as segments};

use crate::failure::{Failure, Result, from_errno, reason};
use crate::objects::name::Name;
use crate::objects::open_queue::this_thread;
use crate::objects::pattern::is_pattern;
use crate::objects::sysv::Typed;
use crate::objects::target::Target;
use crate::objects::{self, Kind, Object, kernel};
use crate::output::{escape, warn};

/// Remove objects of any kind, also the kernel's, as `ipcrm` does
#[derive(Args)]
pub struct Options {
    /// Names, System V keys such as 0xbeef, or ids; a kind in front selects one of several:
    /// msg:1234567, svsem:0xbeef, shm:/name
    #[arg(required_unless_present = "Ipcrm")]
    objects: Vec<OsString>,
    #[command(flatten)]
    ipcrm: Ipcrm,
}

/// As ipcrm(1) has them.
#[derive(Args)]
#[group(multiple = true)]
struct Ipcrm {
    /// The message queue with this id
    #[arg(long, short = 'q', value_name = "ID", value_parser = parse_id)]
    queue_id: Vec<i32>,
    /// The message queue with this key
    #[arg(long, short = 'Q', value_name = "KEY", value_parser = parse_key)]
    queue_key: Vec<i32>,
    /// The segment with this id
    #[arg(long, short = 'm', value_name = "ID", value_parser = parse_id)]
    shmem_id: Vec<i32>,
    /// The segment with this key
    #[arg(long, short = 'M', value_name = "KEY", value_parser = parse_key)]
    shmem_key: Vec<i32>,
    /// The semaphore set with this id
    #[arg(long, short = 's', value_name = "ID", value_parser = parse_id)]
    semaphore_id: Vec<i32>,
    /// The semaphore set with this key
    #[arg(long, short = 'S', value_name = "KEY", value_parser = parse_key)]
    semaphore_key: Vec<i32>,
}

fn parse_id(text: &str) -> std::result::Result<i32, String> {
    text.parse().ok().filter(|id| *id >= 0).ok_or_else(|| "an id is a number".to_owned())
}

/// Hexadecimal after `0x`, or decimal.
fn parse_key(text: &str) -> std::result::Result<i32, String> {
    let key = match Typed::read(text.as_bytes()) {
        Some(Typed::Key(key) | Typed::Id(key)) => Some(key),
        None => text.parse().ok(),
    };
    key.filter(|key| *key != libc::IPC_PRIVATE)
        .ok_or_else(|| "a key is a number such as 0xbeef, and not 0".to_owned())
}

impl Ipcrm {
    fn targets(&self) -> impl Iterator<Item = Target> {
        let families = [
            (Kind::Svmsg, &self.queue_id, &self.queue_key),
            (Kind::Svshm, &self.shmem_id, &self.shmem_key),
            (Kind::Svsem, &self.semaphore_id, &self.semaphore_key),
        ];
        families.into_iter().flat_map(|(kind, ids, keys)| {
            let ids = ids.iter().map(move |id| Target::of_number(kind, Typed::Id(*id)));
            ids.chain(keys.iter().map(move |key| Target::of_number(kind, Typed::Key(*key))))
        })
    }
}

pub fn run(options: &Options) -> Result<()> {
    let targets = options.objects.iter().map(read).collect::<Result<Vec<Target>>>()?;
    remove_all(targets.into_iter().chain(options.ipcrm.targets()))
}

fn read(typed: &OsString) -> Result<Target> {
    let bytes = typed.as_bytes();
    Target::parse(bytes).map_err(|wrong| Failure::new(format!("{}: {wrong}", escape::word(bytes))))
}

/// All of them that can be removed, and only then a failure for the others.
pub fn remove_all(targets: impl Iterator<Item = Target>) -> Result<()> {
    let mut failures: Vec<Failure> = targets.filter_map(|target| remove(&target).err()).collect();
    let last = failures.pop();
    for failure in failures {
        warn(failure.to_string());
    }
    last.map_or(Ok(()), Err)
}

/// An object that a target may mean.
enum Found {
    Ours(Box<Object>),
    Kernels(kernel::Object),
}

impl Found {
    fn shown(&self) -> String {
        match self {
            Self::Ours(object) => format!("{} {}", object.kind().describe(), object.shown_name()),
            Self::Kernels(object) => {
                format!("{} {} of the kernel", object.kind.describe(), object.id)
            }
        }
    }

    /// What means this one and no other: `sem:/x`, `svsem:1234567`.
    fn word(&self) -> String {
        let word =
            |kind: Kind, name: &[u8]| escape::word(&[kind.name().as_bytes(), b":", name].concat());
        match self {
            Self::Kernels(object) => word(object.kind, object.id.to_string().as_bytes()),
            Self::Ours(object) => match objects::id_of(object) {
                Some(id) => word(object.kind(), id.to_string().as_bytes()),
                None => word(object.kind(), &object.name),
            },
        }
    }
}

fn remove(target: &Target) -> Result<()> {
    let ours = objects::scan()?.into_iter().filter(|object| target.means(object));
    let ours = ours.map(|object| Found::Ours(Box::new(object)));
    let theirs = kernel::list().into_iter().filter(|object| target.means_kernels(object));
    let found: Vec<Found> = ours.chain(theirs.map(Found::Kernels)).collect();
    match &found[..] {
        [] => Err(Failure::new(format!("there is no {}", target.describe(None))).advise(
            if target.name().is_number() {
                "an object without a name goes when the last process closes it"
            } else if is_pattern(target.name().bytes()) {
                "rm takes no patterns: name each object; `rsipc ls` lists those that match"
            } else {
                "`rsipc ls` lists the objects"
            },
        )),
        [one] => remove_one(one).map_err(|error| {
            let failure =
                Failure::new(format!("cannot remove the {}: {}", one.shown(), reason(&error)));
            match error.raw_os_error() {
                Some(libc::EPERM | libc::EACCES) => {
                    failure.advise("only its owner, its creator or root may remove it")
                }
                _ => failure,
            }
        }),
        several => {
            let shown: Vec<String> = several.iter().map(Found::shown).collect();
            let words: Vec<String> = several.iter().map(Found::word).collect();
            let what = format!("{} is ambiguous: {}", target.describe(None), shown.join("; "));
            Err(Failure::new(what).advise(format!("say which one: {}", words.join(" or "))))
        }
    }
}

fn remove_one(found: &Found) -> std::io::Result<()> {
    let object = match found {
        Found::Kernels(object) => return kernel::remove(object.kind, object.id),
        Found::Ours(object) => object,
    };
    let name = || Name::parse(std::ffi::OsStr::from_bytes(&object.name));
    let name = || name().map_err(|wrong| std::io::Error::other(wrong.to_owned()));
    let id = || objects::id_of(object).ok_or_else(|| std::io::Error::other("it has no id"));
    let thread = || this_thread().map_err(from_errno);
    match object.kind() {
        Kind::Sem => sem::unlink(name()?.c_str()),
        Kind::Mq => mq::unlink(name()?.c_str()),
        Kind::Shm => shm::unlink(name()?.c_str()),
        Kind::Svsem => sets::remove(thread()?, id()?),
        Kind::Svmsg => msg::remove(thread()?, id()?),
        Kind::Svshm => segments::remove(thread()?, id()?),
    }
    .map_err(from_errno)
}
