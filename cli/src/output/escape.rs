//! Bytes that others chose (names of objects and programs) in a form that cannot break a line, a
//! table or a terminal.
//!
//! A name of harmless characters stands as it is. Any other is written as bash, zsh and ksh read
//! it: `$'a\nb'`. So what is shown can be pasted into a command line and means the same name there.

use std::fmt::Write;

/// The bytes as one word of a shell.
pub fn word(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(is_harmless) => text.to_owned(),
        _ => format!("$'{}'", inside_quotes(bytes)),
    }
}

/// The bytes as text that is only to be read: no quotes around it, nothing that moves a cursor.
pub fn text(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_printable(character) {
                out.push(character);
            } else {
                push_character(&mut out, character);
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_byte(&mut out, byte));
    }
    out
}

/// Means nothing to a shell and is seen as what it is.
fn is_harmless(character: char) -> bool {
    const PUNCTUATION: &str = "%+,-./:=@_";
    character.is_ascii_alphanumeric()
        || PUNCTUATION.contains(character)
        || (!character.is_ascii() && is_printable(character))
}

/// Unlike control, format, private and unassigned characters, and blanks other than the ordinary
/// one.
fn is_printable(character: char) -> bool {
    matches!(character, '\'' | '"' | '\\') || character.escape_debug().len() == 1
}

fn inside_quotes(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\'' | '\\' => out.extend(['\\', character]),
                _ if is_printable(character) => out.push(character),
                _ => push_character(&mut out, character),
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_byte(&mut out, byte));
    }
    out
}

fn push_character(out: &mut String, character: char) {
    match character {
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        _ => character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(out, byte)),
    }
}

/// Three octal digits: unlike hexadecimal ones they end where they should whatever follows.
fn push_byte(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\{byte:03o}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stand_as_they_are() {
        for name in ["/queue", "/a.b-c_d", "/señal", "/漢字"] {
            assert_eq!(word(name.as_bytes()), name);
        }
    }

    #[test]
    fn odd_names_are_written_for_a_shell() {
        assert_eq!(word(b"/a\nb"), r"$'/a\nb'");
        assert_eq!(word(b"/\x1b[31m1"), r"$'/\033[31m1'");
        assert_eq!(word(b"/it's \\ \"so\""), r#"$'/it\'s \\ "so"'"#);
        assert_eq!(word(b"/\xff\xfe"), r"$'/\377\376'");
        assert_eq!(word("/\u{202e}fdp".as_bytes()), r"$'/\342\200\256fdp'");
        assert_eq!(word(b"/$HOME"), "$'/$HOME'");
        assert_eq!(word(b""), "$''");
    }

    #[test]
    fn bash_reads_back_what_was_written() {
        for name in
            [&b"/a\nb\t\x1b\x7f1"[..], b"/'\"\\ `!*", b"/\xff9\xc3", "/\u{202e}\u{a0}é".as_bytes()]
        {
            let script = format!("printf %s {}", word(name));
            let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(output.stdout, name, "{script}");
        }
    }

    #[test]
    fn text_keeps_quotes_but_no_control_characters() {
        assert_eq!(text(b"it's\x1b[2J\xff"), r"it's\033[2J\377");
    }
}
