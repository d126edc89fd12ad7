//! Patterns of names, as a shell has them.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::kernel;
use super::name::Name;
use super::sysv::Typed;
use super::{Kind, Object};

/// What the help says of an argument that may be one.
pub const HELP: &str = "Kinds and names; a name may be a pattern such as 'job*'";

/// A kind of objects, or names.
#[derive(Clone, Debug)]
pub enum Asked {
    Kind(Kind),
    /// Exactly this name; of System V a key or an id.
    Name(Name),
    /// See glob(7). Without the leading slash.
    Pattern(CString),
}

impl Asked {
    /// Of any bytes. What is a kind is none of a name: that one is typed with its slash.
    pub fn parse(typed: OsString) -> Result<Self, &'static str> {
        let kinds = <Kind as clap::ValueEnum>::from_str;
        if let Some(kind) = typed.to_str().and_then(|text| kinds(text, false).ok()) {
            return Ok(Self::Kind(kind));
        }
        let bytes = typed.into_vec();
        if !bytes.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')) {
            return Name::parse(&OsString::from_vec(bytes)).map(Self::Name);
        }
        let bare = bytes.iter().skip_while(|byte| **byte == b'/').copied().collect::<Vec<u8>>();
        CString::new(bare).map(Self::Pattern).map_err(|_| "a name contains no NUL")
    }

    /// For clap: an argument that makes no name is wrong usage.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(|typed| Self::parse(typed).map_err(str::to_owned))
    }

    /// The same where a kind would make no sense.
    pub fn parser_of_names() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(|typed: OsString| {
            let bytes = typed.into_vec();
            let is_bare = bytes.first() != Some(&b'/');
            // With its slash it is no kind.
            let bytes = if is_bare { [b"/", bytes.as_slice()].concat() } else { bytes };
            Self::parse(OsString::from_vec(bytes)).map_err(str::to_owned)
        })
    }

    /// As it was typed.
    pub fn shown(&self) -> String {
        match self {
            Self::Kind(kind) => kind.name().to_owned(),
            Self::Name(name) => name.shown(),
            Self::Pattern(pattern) => crate::output::escape::word(pattern.as_bytes()),
        }
    }

    /// A pattern of semaphores, or of shared memory, includes those of System V.
    pub fn is_kind(&self, kind: Kind) -> bool {
        match self {
            Self::Kind(Kind::Sem) => matches!(kind, Kind::Sem | Kind::Svsem),
            Self::Kind(Kind::Shm) => matches!(kind, Kind::Shm | Kind::Svshm),
            Self::Kind(asked) => *asked == kind,
            Self::Name(_) | Self::Pattern(_) => false,
        }
    }

    /// Whether it may be a semaphore in the memory of a process: `PID@ADDRESS`.
    pub fn is_of_memory(&self) -> bool {
        match self {
            Self::Kind(_) => false,
            Self::Name(name) => name.bytes().contains(&b'@'),
            Self::Pattern(pattern) => pattern.as_bytes().contains(&b'@'),
        }
    }

    /// What to do where nothing is called so.
    pub fn advice(&self) -> &'static str {
        if self.is_of_memory() {
            "`rsipc ls --private` lists semaphores in the memory of processes, while threads sleep on them"
        } else {
            "`rsipc ls` lists the objects"
        }
    }

    /// A pattern that is the name of an object is that name.
    pub fn settled<'o>(&self, mut objects: impl Iterator<Item = &'o Object>) -> Self {
        if let Self::Pattern(pattern) = self
            && objects.any(|object| bare(&object.name) == pattern.as_bytes())
            && let Ok(name) = Name::parse(OsStr::from_bytes(pattern.as_bytes()))
        {
            return Self::Name(name);
        }
        self.clone()
    }

    pub fn means(&self, object: &Object) -> bool {
        match self {
            Self::Kind(_) => false,
            Self::Name(name) => object.is_called(name),
            // Whatever is in the memory of processes is asked for by a name of that kind.
            Self::Pattern(_) if object.memory.is_some() && !self.is_of_memory() => false,
            Self::Pattern(pattern) => {
                let id = object.common().map(|common| common.id.to_string());
                let names = [Some(object.name.clone()), id.map(String::into_bytes)];
                names.iter().flatten().any(|name| matches(pattern, name))
            }
        }
    }

    pub fn means_kernels(&self, object: &kernel::Object) -> bool {
        match self {
            Self::Kind(_) => false,
            Self::Name(name) => {
                Typed::read(name.bytes()).is_some_and(|typed| typed.means(object.key, object.id))
            }
            Self::Pattern(pattern) => {
                let names = [object.name(), object.id.to_string()];
                names.iter().any(|name| matches(pattern, name.as_bytes()))
            }
        }
    }
}

fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"/").unwrap_or(name)
}

fn matches(pattern: &CString, name: &[u8]) -> bool {
    let Ok(name) = CString::new(bare(name)) else { return false };
    // SAFETY: two C strings.
    unsafe { libc::fnmatch(pattern.as_ptr(), name.as_ptr(), 0) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Asked {
        Asked::parse(typed.into()).unwrap()
    }

    #[test]
    fn kinds_names_and_patterns() {
        assert!(matches!(parse("sem"), Asked::Kind(Kind::Sem)));
        assert!(matches!(parse("/sem"), Asked::Name(_)));
        assert!(matches!(parse("/job*"), Asked::Pattern(_)));
        assert!(Asked::parse("a/b".into()).is_err());
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        let is_like = |pattern: &str, name: &[u8]| {
            matches!(
            parse(pattern), Asked::Pattern(pattern) if matches(&pattern, name))
        };
        assert!(is_like("job*", b"/job-1") && is_like("/j?b[0-9]", b"/job7"));
        assert!(!is_like("job*", b"/my-job") && is_like("*\u{e9}", b"/caf\xc3\xa9"));
    }
}
