//! From a line that was typed to its words, by the quotes of a shell: `'a b'`, `"a b"`, `a\ b`, and
//! `$'a\n\377'`, in which the command itself writes odd names (`output::escape`).

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A quote that is opened and not closed.
    Unclosed(char),
    /// A backslash at the end.
    Backslash,
    /// What follows the backslash in `$'…'` means nothing.
    Escape(char),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unclosed(quote) => write!(f, "the quote {quote} is not closed"),
            Self::Backslash => f.write_str("the line ends with a backslash"),
            Self::Escape(character) => write!(f, "\\{character} means nothing in $'…'"),
        }
    }
}

/// A line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub words: Vec<Vec<u8>>,
    /// It ended with `&`.
    pub in_background: bool,
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows a `#` at the start of a word is a remark.
pub fn parse(text: &str) -> Result<Line, Malformed> {
    let mut line = Line::default();
    let mut characters = text.chars().peekable();
    loop {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        match characters.peek() {
            None | Some('#') => break,
            Some(_) => {}
        }
        let (word, quoted) = parse_word(&mut characters)?;
        if word == b"&" && !quoted {
            line.in_background = true;
        } else {
            line.words.push(word);
        }
    }
    Ok(line)
}

/// And whether there were quotes in it.
fn parse_word(characters: &mut Characters<'_>) -> Result<(Vec<u8>, bool), Malformed> {
    let (mut word, mut quoted) = (Vec::new(), false);
    while let Some(character) = characters.next_if(|character| !character.is_whitespace()) {
        match character {
            '\'' => push_until(characters, '\'', &mut word)?,
            '"' => push_double_quoted(characters, &mut word)?,
            '$' if characters.next_if_eq(&'\'').is_some() => push_escaped(characters, &mut word)?,
            '\\' => push(&mut word, characters.next().ok_or(Malformed::Backslash)?),
            other => {
                push(&mut word, other);
                continue;
            }
        }
        quoted = true;
    }
    Ok((word, quoted))
}

fn push(word: &mut Vec<u8>, character: char) {
    word.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn push_until(
    characters: &mut Characters<'_>,
    end: char,
    word: &mut Vec<u8>,
) -> Result<(), Malformed> {
    loop {
        match characters.next().ok_or(Malformed::Unclosed(end))? {
            character if character == end => return Ok(()),
            character => push(word, character),
        }
    }
}

fn push_double_quoted(
    characters: &mut Characters<'_>,
    word: &mut Vec<u8>,
) -> Result<(), Malformed> {
    loop {
        match characters.next().ok_or(Malformed::Unclosed('"'))? {
            '"' => return Ok(()),
            '\\' if characters.peek().is_some_and(|next| matches!(next, '"' | '\\')) => {
                push(word, characters.next().unwrap_or_default());
            }
            character => push(word, character),
        }
    }
}

fn push_escaped(characters: &mut Characters<'_>, word: &mut Vec<u8>) -> Result<(), Malformed> {
    loop {
        match characters.next().ok_or(Malformed::Unclosed('\''))? {
            '\'' => return Ok(()),
            '\\' => push_escape(characters, word)?,
            character => push(word, character),
        }
    }
}

fn push_escape(characters: &mut Characters<'_>, word: &mut Vec<u8>) -> Result<(), Malformed> {
    let byte = match characters.next().ok_or(Malformed::Unclosed('\''))? {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'e' => 0x1b,
        'x' => number(characters, 16, 2, 0),
        digit @ '0'..='7' => number(characters, 8, 2, digit.to_digit(8).unwrap_or(0)),
        same @ ('\\' | '\'' | '"') => {
            push(word, same);
            return Ok(());
        }
        other => return Err(Malformed::Escape(other)),
    };
    word.push(byte);
    Ok(())
}

/// At most so many further digits. What does not fit into a byte is cut, as in a shell.
fn number(characters: &mut Characters<'_>, base: u32, most: usize, start: u32) -> u8 {
    let mut value = start;
    for _ in 0..most {
        let Some(digit) = characters.peek().and_then(|next| next.to_digit(base)) else { break };
        value = value * base + digit;
        characters.next();
    }
    value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::escape;

    fn words(text: &str) -> Vec<Vec<u8>> {
        parse(text).unwrap().words
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(words("  a  b\t"), [b"a", b"b"]);
        assert_eq!(words(r#"'a b' "c \"d" e\ f g''h "#), [&b"a b"[..], b"c \"d", b"e f", b"gh"]);
        assert_eq!(words("'' \"\""), [b"", b""]);
        assert_eq!(words(r"$'\101\x42\n\'' $x"), [&b"AB\n'"[..], b"$x"]);
        assert_eq!(words("a # b"), [b"a"]);
        assert_eq!(words("a#b"), [b"a#b"]);
    }

    #[test]
    fn names_as_the_command_shows_them() {
        for name in [&b"/a\nb\x1b\xff9"[..], b"/it's \"so\" \\", "/señal\u{202e}".as_bytes()] {
            assert_eq!(words(&escape::word(name)), [name]);
        }
    }

    #[test]
    fn a_call_in_the_background() {
        assert!(parse("sem_wait s &").unwrap().in_background);
        assert_eq!(parse("mq_send q '&'").unwrap().words.len(), 3);
    }

    #[test]
    fn what_makes_no_sense() {
        assert_eq!(parse("a 'b"), Err(Malformed::Unclosed('\'')));
        assert_eq!(parse("\"b"), Err(Malformed::Unclosed('"')));
        assert_eq!(parse("a\\"), Err(Malformed::Backslash));
        assert_eq!(parse(r"$'\q'"), Err(Malformed::Escape('q')));
    }
}
