//! Patterns of names, as a shell has them.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::kernel;
use super::name::Name;
use super::target::{Scope, Target};
use super::{Kind, Object};
use crate::output::escape;

/// What the help says of an argument that may be one.
pub const HELP: &str = "Kinds and names; a name may be a pattern such as 'job*', and have a kind in front, such as sem:job";

/// A kind of objects, or names.
#[derive(Clone, Debug)]
pub enum Asked {
    Kind(Kind),
    /// Exactly this name; of System V a key or an id.
    Name(Target),
    Pattern(Pattern),
}

/// See glob(7). Without the leading slash.
#[derive(Clone, Debug)]
pub struct Pattern {
    scope: Scope,
    glob: CString,
}

impl Asked {
    /// Of any bytes. What is a kind is none of a name: that one is typed with its slash.
    pub fn parse(typed: &[u8]) -> Result<Self, &'static str> {
        match Kind::of_word(typed) {
            Some(kind) => Ok(Self::Kind(kind)),
            None => Self::parse_name(typed),
        }
    }

    /// The same where a kind would make no sense.
    fn parse_name(typed: &[u8]) -> Result<Self, &'static str> {
        if !is_pattern(typed) {
            return Target::parse(typed).map(Self::Name);
        }
        let (scope, bare) = Scope::split(typed);
        let glob = CString::new(bare).map_err(|_| "a name contains no NUL")?;
        Ok(Self::Pattern(Pattern { scope, glob }))
    }

    /// For clap: an argument that makes no name is wrong usage.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new()
            .try_map(|typed: OsString| Self::parse(typed.as_bytes()).map_err(str::to_owned))
    }

    /// The same where a kind would make no sense.
    pub fn parser_of_names() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new()
            .try_map(|typed: OsString| Self::parse_name(typed.as_bytes()).map_err(str::to_owned))
    }

    /// `object /x`: of this kind if it does not say of which it is.
    pub fn describe(&self, of: Option<Kind>) -> String {
        match self {
            Self::Kind(kind) => kind.describe().to_owned(),
            Self::Name(target) => target.describe(of),
            Self::Pattern(Pattern { scope, glob }) => {
                format!("{} {}", scope.describe(of, true), escape::word(glob.as_bytes()))
            }
        }
    }

    pub fn is_kind(&self, kind: Kind) -> bool {
        matches!(self, Self::Kind(asked) if asked.covers(kind))
    }

    /// Whether it may be a semaphore in the memory of a process: `PID@ADDRESS`.
    pub fn is_of_memory(&self) -> bool {
        match self {
            Self::Kind(_) => false,
            Self::Name(target) => target.name().bytes().contains(&b'@'),
            Self::Pattern(pattern) => pattern.glob.as_bytes().contains(&b'@'),
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
        if let Self::Pattern(Pattern { scope, glob }) = self
            && objects
                .any(|object| scope.covers(object.kind()) && bare(&object.name) == glob.as_bytes())
            && let Ok(name) = Name::parse(OsStr::from_bytes(glob.as_bytes()))
        {
            return Self::Name(Target::of_name(*scope, name));
        }
        self.clone()
    }

    pub fn means(&self, object: &Object) -> bool {
        match self {
            Self::Kind(_) => false,
            Self::Name(target) => target.means(object),
            // Whatever is in the memory of processes is asked for by a name of that kind.
            Self::Pattern(_) if object.memory.is_some() && !self.is_of_memory() => false,
            Self::Pattern(Pattern { scope, glob }) => {
                let id = object.common().map(|common| common.id.to_string());
                let names = [Some(object.name.clone()), id.map(String::into_bytes)];
                scope.covers(object.kind())
                    && names.iter().flatten().any(|name| matches(glob, name))
            }
        }
    }

    pub fn means_kernels(&self, object: &kernel::Object) -> bool {
        match self {
            Self::Kind(_) => false,
            Self::Name(target) => target.means_kernels(object),
            Self::Pattern(Pattern { scope, glob }) => {
                let names = [object.name(), object.id.to_string()];
                scope.covers(object.kind) && names.iter().any(|name| matches(glob, name.as_bytes()))
            }
        }
    }
}

/// Whether it has characters that stand for others.
pub fn is_pattern(typed: &[u8]) -> bool {
    typed.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
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
        Asked::parse(typed.as_bytes()).unwrap()
    }

    #[test]
    fn kinds_names_and_patterns() {
        assert!(matches!(parse("sem"), Asked::Kind(Kind::Sem)));
        assert!(matches!(parse("/sem"), Asked::Name(_)));
        assert!(matches!(parse("/job*"), Asked::Pattern(_)));
        assert!(Asked::parse(b"a/b").is_err());
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        let is_like = |pattern: &str, name: &[u8]| {
            matches!(
            parse(pattern), Asked::Pattern(pattern) if matches(&pattern.glob, name))
        };
        assert!(is_like("job*", b"/job-1") && is_like("/j?b[0-9]", b"/job7"));
        assert!(!is_like("job*", b"/my-job") && is_like("*\u{e9}", b"/caf\xc3\xa9"));
    }
}
