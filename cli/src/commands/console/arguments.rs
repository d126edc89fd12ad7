//! The words after the name of a command, as numbers, flags, times.

use std::ffi::CString;
use std::time::Duration;

use rsipc_core::os::clock::{Clock, Deadline};

use super::call::{Result, Trouble};
use crate::deadline;
use crate::output::{amount, escape, time};

/// Words that are taken one after the other.
pub struct Arguments<'a> {
    words: &'a [Vec<u8>],
}

/// Flags by their names.
pub type Flags = &'static [(&'static str, i32)];

/// Of `sem_open`, `mq_open` and `shm_open`.
pub const OPEN_FLAGS: Flags = &[
    ("O_RDONLY", libc::O_RDONLY),
    ("O_WRONLY", libc::O_WRONLY),
    ("O_RDWR", libc::O_RDWR),
    ("O_CREAT", libc::O_CREAT),
    ("O_EXCL", libc::O_EXCL),
    ("O_TRUNC", libc::O_TRUNC),
    ("O_NONBLOCK", libc::O_NONBLOCK),
];

impl<'a> Arguments<'a> {
    pub fn new(words: &'a [Vec<u8>]) -> Self {
        Self { words }
    }

    /// The next word, if there is one.
    pub fn optional(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// The next word, which stays.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.words.first().map(Vec::as_slice)
    }

    /// The next word, which must be there.
    pub fn word(&mut self, what: &str) -> Result<&'a [u8]> {
        self.optional().ok_or_else(|| usage(format!("{what} is missing")))
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<()> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(usage(format!("{} is one argument too many", escape::word(word)))),
        }
    }

    /// The name of an object, exactly as the call gets it.
    pub fn name(&mut self) -> Result<CString> {
        let name = self.word("NAME")?;
        CString::new(name).map_err(|_| usage("a name contains no NUL".to_owned()))
    }

    fn parsed<T>(
        &mut self,
        what: &str,
        parse: impl Fn(&str) -> std::result::Result<T, String>,
    ) -> Result<Option<T>> {
        self.optional().map(|word| read(what, word, parse)).transpose()
    }

    /// A number, if there is one.
    pub fn number_if_any<T: std::str::FromStr>(&mut self, what: &str) -> Result<Option<T>> {
        self.parsed(what, number)
    }

    /// A number, or what stands for it when there is none.
    pub fn number_or<T: std::str::FromStr>(&mut self, what: &str, default: T) -> Result<T> {
        Ok(self.number_if_any(what)?.unwrap_or(default))
    }

    /// A number, which must be there.
    pub fn number<T: std::str::FromStr>(&mut self, what: &str) -> Result<T> {
        read(what, self.word(what)?, number)
    }

    /// `4096`, `64K`, `1M`.
    pub fn amount(&mut self, what: &str) -> Result<u64> {
        read(what, self.word(what)?, amount::parse)
    }

    /// [`Self::amount`], or what stands for it when there is none before the flags.
    pub fn amount_unless_flags(&mut self, what: &str, default: u64) -> Result<u64> {
        match self.words.first() {
            Some(word) if word.first().is_some_and(u8::is_ascii_digit) => self.amount(what),
            _ => Ok(default),
        }
    }

    /// Permission bits in octal.
    pub fn mode_or(&mut self, default: u32) -> Result<u32> {
        let octal = |text: &str| {
            u32::from_str_radix(text, 8).map_err(|_| "write it in octal, such as 0600".into())
        };
        Ok(self.parsed("MODE", octal)?.unwrap_or(default))
    }

    /// Words of flags: `O_RDWR|O_CREAT`, or with blanks around the bars. None is 0, and so is `0`.
    pub fn flags(&mut self, known: Flags) -> Result<i32> {
        let mut flags = 0;
        let mut goes_on = true;
        while let Some(word) = self.words.first() {
            let text = String::from_utf8_lossy(word);
            let is_flags =
                text.starts_with(|first: char| first.is_ascii_uppercase() || first == '|');
            if !(is_flags || goes_on && text == "0") {
                break;
            }
            for name in text.split('|').filter(|name| !name.is_empty() && *name != "0") {
                let (_, flag) =
                    known.iter().find(|(other, _)| *other == name).ok_or_else(|| {
                        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                        usage(format!("{name} is not one of {}", names.join(", ")))
                    })?;
                flags |= flag;
            }
            goes_on = text.ends_with('|');
            self.words = &self.words[1..];
            if text == "0" {
                break;
            }
        }
        Ok(flags)
    }

    /// `2s`, `500ms`: so long.
    pub fn time(&mut self) -> Result<Duration> {
        read("TIME", self.word("TIME")?, time::parse)
    }

    /// `2s`: so long from now; `@1700000000.5`: that time of the clock, in seconds.
    pub fn deadline(&mut self, clock: Clock) -> Result<Deadline> {
        let word = self.word("TIME")?;
        if let Some(seconds) = word.strip_prefix(b"@") {
            let since = read("TIME", seconds, |text| {
                let seconds: f64 =
                    text.parse().map_err(|_| "write it like @1700000000".to_owned())?;
                Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
            })?;
            let tv_sec = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
            return Ok(Deadline {
                clock,
                time: libc::timespec { tv_sec, tv_nsec: since.subsec_nanos().into() },
            });
        }
        read("TIME", word, time::parse).map(|timeout| deadline::after(clock, timeout))
    }
}

fn number<T: std::str::FromStr>(text: &str) -> std::result::Result<T, String> {
    text.parse().map_err(|_| "not a number in its range".to_owned())
}

fn read<T>(
    what: &str,
    word: &[u8],
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<T> {
    let text = str::from_utf8(word).map_err(|_| usage(format!("{what} is not text")))?;
    parse(text).map_err(|wrong| usage(format!("{what} {}: {wrong}", escape::word(word))))
}

/// The arguments make no sense.
pub fn usage(what: String) -> Trouble {
    Trouble::Usage(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<u8>> {
        text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    fn flags(text: &str) -> (Option<i32>, usize) {
        let words = words(text);
        let mut arguments = Arguments::new(&words);
        (arguments.flags(OPEN_FLAGS).ok(), arguments.words.len())
    }

    #[test]
    fn flags_with_and_without_blanks() {
        let both = Some(libc::O_RDWR | libc::O_CREAT);
        assert_eq!(flags("O_RDWR|O_CREAT 0600"), (both, 1));
        assert_eq!(flags("O_RDWR | O_CREAT 0600"), (both, 1));
        assert_eq!(flags("0 0600"), (Some(0), 1));
        assert_eq!(flags("0600"), (Some(0), 1));
        assert_eq!(flags("O_NEVER").0, None);
    }

    #[test]
    fn times() {
        let at = |text: &str| Arguments::new(&words(text)).deadline(Clock::Realtime).ok();
        assert_eq!(at("@5.25").map(|deadline| deadline.time.tv_nsec), Some(250_000_000));
        assert!(at("1h").is_some_and(|deadline| !deadline.has_passed()));
        assert!(at("@0").is_some_and(|deadline| deadline.has_passed()));
        assert!(at("soon").is_none() && at("@-1").is_none());
    }
}
