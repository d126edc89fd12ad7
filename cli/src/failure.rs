//! Why a command failed, and what can be done about it.

use std::fmt;
use std::io;

use rsipc_core::os::Errno;

/// What a command returns.
pub type Result<T> = std::result::Result<T, Failure>;

/// A failure as the user reads it: what went wrong and, where that is known, what to do next.
#[derive(Debug)]
pub struct Failure {
    what: String,
    advice: Option<String>,
    status: u8,
}

/// The exit status of a command that failed.
const FAILED: u8 = 1;

impl Failure {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), advice: None, status: FAILED }
    }

    /// A call that failed on something that the user knows by this name.
    pub fn call(doing: impl fmt::Display, error: impl Into<io::Error>) -> Self {
        Self::new(format!("{doing}: {}", reason(&error.into())))
    }

    /// Adds what to do next.
    pub fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// Ends the command with another exit status than 1.
    pub fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// The exit status that the command ends with.
    pub fn status(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        match &self.advice {
            Some(advice) => write!(f, "\n  {advice}"),
            None => Ok(()),
        }
    }
}

/// An error in words, without the number that the standard library adds.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// The error number of a core as an error of the standard library, which knows the words for it.
pub fn from_errno(Errno(number): Errno) -> io::Error {
    io::Error::from_raw_os_error(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_words() {
        let failure = Failure::call("cannot open /a", io::Error::from_raw_os_error(libc::ENOENT));
        assert_eq!(failure.to_string(), "cannot open /a: No such file or directory");
    }

    #[test]
    fn advice_has_a_line_of_its_own() {
        let failure = Failure::new("no such thing").advise("try `rsipc ls`");
        assert_eq!(failure.to_string(), "no such thing\n  try `rsipc ls`");
    }
}
