//! Objects as they are typed: a name, a key or an id, with a kind in front or not.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::builder::{OsStringValueParser, TypedValueParser};

use super::name::Name;
use super::sysv::Typed;
use super::{Kind, Object, kernel};
use crate::output::escape;

/// Which kinds of objects a word may mean: `sem:`, `mq:`, `shm:`, `msg:`, `svsem:` or another kind
/// in front selects that one, and a slash those of POSIX.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope {
    kind: Option<Kind>,
    has_slash: bool,
}

impl Scope {
    /// And the rest of the word, without kind and slashes.
    pub fn split(typed: &[u8]) -> (Self, &[u8]) {
        let colon = typed.iter().position(|byte| *byte == b':');
        let kind = colon.and_then(|colon| Kind::of_word(&typed[..colon]));
        let rest = match (kind, colon) {
            (Some(_), Some(colon)) => &typed[colon + 1..],
            _ => typed,
        };
        let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
        (Self { kind, has_slash: slashes > 0 }, &rest[slashes..])
    }

    pub fn covers(self, kind: Kind) -> bool {
        self.kind.is_none_or(|asked| asked.covers(kind)) && !(self.has_slash && kind.is_sysv())
    }

    fn covers_sysv(self) -> bool {
        [Kind::Svsem, Kind::Svmsg, Kind::Svshm].into_iter().any(|kind| self.covers(kind))
    }

    /// What it means, in words: of the kind `of` if it does not say of which it is. `is_either`: it
    /// may be of System V, too.
    pub fn describe(self, of: Option<Kind>, is_either: bool) -> &'static str {
        match (self.kind, of) {
            (None, None) => "object",
            (Some(Kind::Sem), _) if is_either => "semaphore or System V semaphore set",
            (Some(Kind::Shm), _) if is_either => "shared memory object or System V segment",
            (Some(kind), _) | (None, Some(kind)) => kind.describe(),
        }
    }
}

/// What is called so.
#[derive(Clone, Debug)]
pub struct Target {
    scope: Scope,
    name: Name,
    /// None: it is only a name.
    pub number: Option<Typed>,
}

impl Target {
    /// `/name`, `0xbeef`, `1234567`, with `KIND:` in front or not.
    pub fn parse(typed: &[u8]) -> Result<Self, &'static str> {
        let (scope, bare) = Scope::split(typed);
        let name = Name::parse(OsStr::from_bytes(bare))?;
        let number = Typed::read(bare).filter(|_| !scope.has_slash);
        if number.is_none() && !name.is_number() && scope.kind.is_some_and(Kind::is_sysv) {
            return Err("neither a key nor an id");
        }
        Ok(Self { scope, name, number })
    }

    /// Where only this kind makes sense, and those of System V that are asked for with it.
    fn parse_of(kind: Kind, typed: &[u8]) -> Result<Self, &'static str> {
        let mut target = Self::parse(typed)?;
        if target.scope.kind.is_some_and(|asked| !kind.covers(asked)) {
            return Err("that is of another kind; a name that begins so is typed with its slash");
        }
        target.scope.kind = target.scope.kind.or(Some(kind));
        Ok(target)
    }

    /// For clap: an argument that makes no name is wrong usage.
    pub fn parser_of(kind: Kind) -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(move |typed: OsString| {
            Self::parse_of(kind, &typed.into_vec()).map_err(str::to_owned)
        })
    }

    /// The same where only an object of POSIX makes sense.
    pub fn parser_of_names(kind: Kind) -> impl TypedValueParser<Value = Name> {
        Self::parser_of(kind).try_map(move |target: Self| match target.scope.kind {
            Some(asked) if asked != kind => Err("this command is for objects of POSIX".to_owned()),
            _ => Ok(target.name),
        })
    }

    pub fn of_number(kind: Kind, number: Typed) -> Self {
        let scope = Scope { kind: Some(kind), has_slash: false };
        Self { scope, name: Name::from_text(&number.shown()), number: Some(number) }
    }

    /// Any object of this name, as far as the scope goes.
    pub fn of_name(scope: Scope, name: Name) -> Self {
        Self { scope, name, number: None }
    }

    pub fn name(&self) -> &Name {
        &self.name
    }

    pub fn may_be(&self, kind: Kind) -> bool {
        self.scope.covers(kind)
    }

    pub fn means(&self, object: &Object) -> bool {
        self.scope.covers(object.kind()) && object.is_called(&self.name)
    }

    pub fn means_kernels(&self, object: &kernel::Object) -> bool {
        self.scope.covers(object.kind)
            && self.number.is_some_and(|typed| typed.means(object.key, object.id))
    }

    /// A key or an id as such; the number of a file, and the place of a semaphore in the memory of
    /// a process, as they are; any other name with its slash.
    pub fn shown(&self) -> String {
        let bytes = self.name.bytes();
        match self.number.filter(|_| self.scope.covers_sysv()) {
            Some(number) => number.shown(),
            None if !self.scope.has_slash && (self.name.is_number() || bytes.contains(&b'@')) => {
                escape::word(&bytes[1..])
            }
            None => self.name.shown(),
        }
    }

    /// `semaphore /x`
    pub fn describe(&self, of: Option<Kind>) -> String {
        format!("{} {}", self.scope.describe(of, self.number.is_some()), self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Target {
        Target::parse(typed.as_bytes()).unwrap()
    }

    #[test]
    fn a_kind_in_front_selects() {
        for (typed, kinds) in [
            ("sem:0x10", &[Kind::Sem, Kind::Svsem][..]),
            ("sem:/0x10", &[Kind::Sem]),
            ("svsem:0x10", &[Kind::Svsem]),
            ("shm:7", &[Kind::Shm, Kind::Svshm]),
            ("mq:7", &[Kind::Mq]),
            ("msg:7", &[Kind::Svmsg]),
            ("/7", &[Kind::Sem, Kind::Mq, Kind::Shm]),
            ("/sem:7", &[Kind::Sem, Kind::Mq, Kind::Shm]),
        ] {
            let all = [Kind::Sem, Kind::Mq, Kind::Shm, Kind::Svsem, Kind::Svmsg, Kind::Svshm];
            let target = parse(typed);
            let covered: Vec<Kind> =
                all.into_iter().filter(|kind| target.scope.covers(*kind)).collect();
            assert_eq!(covered, kinds, "{typed}");
        }
        assert!(Target::parse(b"svsem:x").is_err() && Target::parse(b"sem:").is_err());
    }

    #[test]
    fn keys_and_ids_have_no_slash() {
        for (typed, shown) in [
            ("0x10", "object 0x00000010"),
            ("sem:0x10", "semaphore or System V semaphore set 0x00000010"),
            ("sem:/0x10", "semaphore /0x10"),
            ("svshm:7", "System V shared memory segment 7"),
            ("job", "object /job"),
            ("12@0x7f00", "object 12@0x7f00"),
        ] {
            assert_eq!(parse(typed).describe(None), shown);
        }
    }

    #[test]
    fn another_kind_is_refused_where_one_is_said() {
        assert!(Target::parse_of(Kind::Shm, b"sem:x").is_err());
        assert_eq!(Target::parse_of(Kind::Shm, b"/sem:x").unwrap().name.bytes(), b"/sem:x");
        assert!(Target::parse_of(Kind::Shm, b"svshm:5").unwrap().number.is_some());
    }
}
