//! What a failed call on an object means to the user, and what can be done about it.

use std::io;

use rsipc_core::os::Errno;

use super::name::Name;
use super::{Kind, directory, file, queue, unreadable_directory};
use crate::failure::{Failure, from_errno};

/// An object that a command works on.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub kind: Kind,
    pub name: &'a Name,
}

impl Subject<'_> {
    /// `cannot VERB the semaphore /x: …`, with advice where there is any.
    pub fn failed(self, verb: &str, error: impl Into<io::Error>) -> Failure {
        let error = error.into();
        let Self { kind, name } = self;
        if let Some(version) = self.other_version(&error) {
            let what = format!("cannot {verb} the {} {}", kind.describe(), name.shown());
            let shown = name.shown();
            return Failure::new(format!("{what}: {version}")).advise(format!(
                "run the version that made it, or remove it with its messages: `rsipc mq rm {shown}`"
            ));
        }
        let number = error.raw_os_error();
        let failure = match number {
            // Without it no object exists, and none can be created.
            Some(libc::ENOENT) if !directory().exists() => {
                return unreadable_directory(directory(), error);
            }
            Some(libc::ENOENT) => {
                Failure::new(format!("there is no {} {}", kind.describe(), name.shown()))
            }
            Some(libc::EEXIST) => {
                Failure::new(format!("the {} {} exists already", kind.describe(), name.shown()))
            }
            _ => Failure::call(
                format_args!("cannot {verb} the {} {}", kind.describe(), name.shown()),
                error,
            ),
        };
        match self.advice(number) {
            Some(advice) => failure.advise(advice),
            None => failure,
        }
    }

    /// The same, for an error of the library.
    pub fn failed_as(self, verb: &str, error: Errno) -> Failure {
        self.failed(verb, from_errno(error))
    }

    /// What a queue is that the library refuses because it is not of its own format.
    fn other_version(self, error: &io::Error) -> Option<String> {
        let may_be = error.kind() == io::ErrorKind::InvalidData
            || matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EEXIST));
        if self.kind != Kind::Mq || !may_be {
            return None;
        }
        let path = queue::path(self.name).ok()?;
        let version = queue::other_version(&file::open(&path).ok()?)?;
        Some(queue::of_other_version(version))
    }

    fn advice(self, error: Option<i32>) -> Option<String> {
        let (kind, name) = (self.kind.name(), self.name.shown());
        Some(match error? {
            libc::ENOENT if self.name.is_number() => format!(
                "`rsipc ls {kind}` lists what exists; an object without a name can be looked at, \
                 and is gone when the last process closes it"
            ),
            libc::ENOENT => {
                format!(
                    "`rsipc ls {kind}` lists what exists; `rsipc {kind} create {name}` creates it"
                )
            }
            libc::EEXIST => format!(
                "`rsipc stat {name}` shows it; `--if-missing` accepts it, `rsipc {kind} rm {name}` removes it"
            ),
            libc::EACCES | libc::EPERM => {
                format!(
                    "`rsipc stat {name}` shows its owner; run the command as that user or as root"
                )
            }
            libc::EINVAL => format!("`rsipc stat {name}` shows what has that name"),
            libc::ENOSPC | libc::ENOMEM => {
                "`rsipc ls` shows what uses the memory, `rsipc clean` removes what no process uses"
                    .to_owned()
            }
            libc::ENAMETOOLONG => {
                let most = if self.kind == Kind::Sem { 251 } else { 255 };
                format!("choose a name of at most {most} bytes, without the slash")
            }
            _ => return None,
        })
    }
}
