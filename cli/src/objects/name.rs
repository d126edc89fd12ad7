//! Names of objects as they are typed.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// What the help says of an argument that is a name.
pub const HELP: &str = "Name of the object, with or without the slash";

/// The name of an object: a leading slash may be left out.
#[derive(Clone, Debug)]
pub struct Name(CString);

impl Name {
    /// A name of our own making, without its slash.
    pub fn from_text(text: &str) -> Self {
        Self::parse(OsStr::new(text)).expect("a name of our own is well-formed")
    }

    /// With the leading slash.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether it is `#1234`: how an object that has no name any more is asked for.
    pub fn is_number(&self) -> bool {
        self.bytes().starts_with(b"/#")
    }

    /// For the calls of the library.
    pub fn c_str(&self) -> &std::ffi::CStr {
        &self.0
    }

    /// The name as it may be shown anywhere.
    pub fn shown(&self) -> String {
        crate::output::escape::word(self.bytes())
    }

    /// Of any bytes; the error says what is wrong with them.
    pub fn parse(typed: &OsStr) -> Result<Self, &'static str> {
        let bytes = typed.as_bytes();
        let bare = &bytes[bytes.iter().take_while(|&&byte| byte == b'/').count()..];
        if bare.is_empty() {
            return Err("a name needs at least one character after the slash");
        }
        if bare.contains(&b'/') {
            return Err("a name contains no slash except the first character");
        }
        CString::new([b"/", bare].concat()).map(Self).map_err(|_| "a name contains no NUL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_slash_may_be_left_out() {
        for typed in ["a", "/a", "//a"] {
            assert_eq!(Name::parse(OsStr::new(typed)).unwrap().bytes(), b"/a");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for typed in ["", "/", "a/b", "/a/"] {
            assert!(Name::parse(OsStr::new(typed)).is_err(), "{typed:?}");
        }
    }
}
