//! Text without allocation: hooks run in signal handlers and in allocators.

use std::fmt::{self, Write};

use watch_run::suspect::LINE;

/// Longer lines are cut.
const ROOM: usize = LINE;

/// A text of bounded length.
pub struct Line {
    bytes: [u8; ROOM],
    used: usize,
}

impl Line {
    pub fn new() -> Self {
        Self { bytes: [0; ROOM], used: 0 }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let length = bytes.len().min(ROOM - self.used);
        self.bytes[self.used..self.used + length].copy_from_slice(&bytes[..length]);
        self.used += length;
    }

    /// Formats.
    pub fn put(&mut self, text: fmt::Arguments) {
        // It never fails: what has no room is cut.
        let _ = self.write_fmt(text);
    }

    /// Whether at least so many bytes have room.
    pub fn has_room(&self, bytes: usize) -> bool {
        ROOM - self.used >= bytes
    }

    /// A string of JSON, with the quotes. A byte that is no printable character of ASCII is shown
    /// by its number. What is long is cut, so that there is room for what follows.
    pub fn put_string(&mut self, bytes: &[u8]) {
        self.push(b"\"");
        for &byte in bytes {
            if !self.has_room(512) {
                break;
            }
            match byte {
                b'"' | b'\\' => self.push(&[b'\\', byte]),
                b' '..=b'~' => self.push(&[byte]),
                _ => self.put(format_args!("\\u{byte:04x}")),
            }
        }
        self.push(b"\"");
    }
}

/// Bytes as text: what is no printable character of ASCII is a question mark.
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| {
            let printable = byte == b' ' || byte.is_ascii_graphic();
            f.write_char(if printable { char::from(byte) } else { '?' })
        })
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_json() {
        let mut line = Line::new();
        line.put_string(b"a\"\\\n\xff");
        assert_eq!(line.bytes(), br#""a\"\\\u000a\u00ff""#);
    }

    #[test]
    fn a_long_string_is_cut_and_closed() {
        let mut line = Line::new();
        line.put_string(&[b'x'; 2 * ROOM]);
        assert!(line.bytes().ends_with(b"x\"") && line.has_room(500));
    }
}
