//! `rsipc rm`: removes objects of any kind, ours and the kernel's.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::Args;
use rsipc_core::posix::{mq, sem, shm};
use rsipc_core::sysv::{msg, sem as sets, shm as segments};

use crate::failure::{Failure, Result, from_errno, reason};
use crate::objects::name::Name;
use crate::objects::open_queue::this_thread;
use crate::objects::sysv::Typed;
use crate::objects::{self, Kind, Object, kernel};
use crate::output::{escape, warn};

/// Remove objects of any kind, also the kernel's, as `ipcrm` does
#[derive(Args)]
pub struct Options {
    /// Names, System V keys such as 0xbeef, or ids; a kind in front selects one of several:
    /// msg:1234567, sem:0xbeef, shm:/name
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

/// What is to be removed.
#[derive(Clone, Debug)]
pub enum Target {
    /// Of System V, and of this kind if that was said.
    Sysv(Option<Kind>, Typed),
    /// Of POSIX, and of this kind if that was said.
    Named(Option<Kind>, Name),
    /// A number without a kind: either.
    Either(Typed, Name),
}

impl Target {
    /// `/name`, `0xbeef`, `1234567`, with `KIND:` in front or not.
    fn read(typed: &OsString) -> Result<Self> {
        let bytes = typed.as_bytes();
        let colon = bytes.iter().position(|byte| *byte == b':');
        let kinds = colon.and_then(|colon| kinds(&bytes[..colon]));
        let rest = if kinds.is_some() { &bytes[colon.map_or(0, |at| at + 1)..] } else { bytes };
        let name = || {
            Name::parse(std::ffi::OsStr::from_bytes(rest))
                .map_err(|wrong| Failure::new(format!("{}: {wrong}", escape::word(bytes))))
        };
        let number = Typed::read(rest).filter(|_| rest.first() != Some(&b'/'));
        Ok(match (kinds, number) {
            (Some([_, Some(sysv)]), Some(number)) => Self::Sysv(Some(sysv), number),
            (Some([Some(posix), _]), _) => Self::Named(Some(posix), name()?),
            (Some(_), None) => {
                let shown = escape::word(bytes);
                return Err(Failure::new(format!("{shown}: neither a key nor an id")));
            }
            (Some(_) | None, Some(number)) => Self::Either(number, name()?),
            (None, None) => Self::Named(None, name()?),
        })
    }

    fn is(&self, object: &Object) -> bool {
        let kind = object.kind();
        let is_kind = |asked: Option<Kind>| asked.is_none_or(|asked| asked == kind);
        match self {
            Self::Sysv(asked, typed) => {
                kind.is_sysv()
                    && is_kind(*asked)
                    && object.is_called(&Name::from_text(&typed.shown()))
            }
            Self::Named(asked, name) => {
                !kind.is_sysv() && is_kind(*asked) && object.is_called(name)
            }
            Self::Either(_, name) => object.is_called(name),
        }
    }

    fn is_kernels(&self, object: &kernel::Object) -> bool {
        match self {
            Self::Sysv(asked, typed) => {
                asked.is_none_or(|asked| asked == object.kind) && typed.means(object.key, object.id)
            }
            Self::Either(typed, _) => typed.means(object.key, object.id),
            Self::Named(..) => false,
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Named(_, name) if name.is_number())
    }

    fn is_like_a_pattern(&self) -> bool {
        let is_special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[');
        matches!(self, Self::Named(_, name) if name.bytes().iter().any(is_special))
    }

    fn shown(&self) -> String {
        let what = |kind: Option<Kind>| kind.map_or("object", Kind::describe);
        match self {
            Self::Sysv(kind, typed) => format!("{} {}", what(*kind), typed.shown()),
            Self::Named(kind, name) => format!("{} {}", what(*kind), name.shown()),
            Self::Either(typed, _) => format!("object {}", typed.shown()),
        }
    }
}

/// The kinds of POSIX and of System V that a word stands for.
fn kinds(word: &[u8]) -> Option<[Option<Kind>; 2]> {
    Some(match word {
        b"sem" => [Some(Kind::Sem), Some(Kind::Svsem)],
        b"shm" => [Some(Kind::Shm), Some(Kind::Svshm)],
        b"mq" => [Some(Kind::Mq), None],
        b"msg" | b"svmsg" => [None, Some(Kind::Svmsg)],
        b"svsem" => [None, Some(Kind::Svsem)],
        b"svshm" => [None, Some(Kind::Svshm)],
        _ => return None,
    })
}

impl Ipcrm {
    fn targets(&self) -> impl Iterator<Item = Target> {
        let families = [
            (Kind::Svmsg, &self.queue_id, &self.queue_key),
            (Kind::Svshm, &self.shmem_id, &self.shmem_key),
            (Kind::Svsem, &self.semaphore_id, &self.semaphore_key),
        ];
        families.into_iter().flat_map(|(kind, ids, keys)| {
            let ids = ids.iter().map(move |id| Target::Sysv(Some(kind), Typed::Id(*id)));
            ids.chain(keys.iter().map(move |key| Target::Sysv(Some(kind), Typed::Key(*key))))
        })
    }
}

pub fn run(options: &Options) -> Result<()> {
    let targets: Vec<Target> =
        options.objects.iter().map(Target::read).collect::<Result<Vec<Target>>>()?;
    remove_all(targets.into_iter().chain(options.ipcrm.targets()))
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
}

fn remove(target: &Target) -> Result<()> {
    let ours = objects::scan()?.into_iter().filter(|object| target.is(object));
    let ours = ours.map(|object| Found::Ours(Box::new(object)));
    let theirs = kernel::list().into_iter().filter(|object| target.is_kernels(object));
    let found: Vec<Found> = ours.chain(theirs.map(Found::Kernels)).collect();
    match &found[..] {
        [] => Err(Failure::new(format!("there is no {}", target.shown())).advise(
            if target.is_number() {
                "an object without a name goes when the last process closes it"
            } else if target.is_like_a_pattern() {
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
            let several: Vec<String> = several.iter().map(Found::shown).collect();
            let what = format!("{} is ambiguous: {}", target.shown(), several.join("; "));
            Err(Failure::new(what).advise("put sem:, mq:, msg: or shm: in front, or give the id"))
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
