//! Bytes as people look at them: `hexdump -C`.

use std::fmt::Write;
use std::io::{self, Read};

/// Bytes of a line.
const WIDTH: usize = 16;

/// Dumps what is read, the first byte of which is at this offset. Lines that are like the one
/// before are left out, with one mark for all of them.
pub fn dump(
    mut from: impl Read,
    offset: u64,
    mut write: impl FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    let (mut at, mut before, mut is_repeated) = (offset, Vec::new(), false);
    loop {
        let mut bytes = Vec::with_capacity(WIDTH);
        from.by_ref().take(WIDTH as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return write(&format!("{at:08x}\n"));
        }
        if bytes == before && bytes.len() == WIDTH {
            if !is_repeated {
                write("*\n")?;
            }
            is_repeated = true;
        } else {
            write(&line(at, &bytes))?;
            is_repeated = false;
        }
        at += bytes.len() as u64;
        before = bytes;
    }
}

fn line(at: u64, bytes: &[u8]) -> String {
    let mut text = format!("{at:08x} ");
    for place in 0..WIDTH {
        if place % 8 == 0 {
            text.push(' ');
        }
        // Writing to a String cannot fail.
        let _ = match bytes.get(place) {
            Some(byte) => write!(text, "{byte:02x} "),
            None => write!(text, "   "),
        };
    }
    let shown = bytes.iter().map(|byte| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    });
    format!("{text} |{}|\n", shown.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_hexdump_shows_them() {
        let mut out = String::new();
        let bytes = [&b"hello, world\n\0\xff."[..], &[0; 48], b"end"].concat();
        dump(&bytes[..], 0x10, |text| {
            out.push_str(text);
            Ok(())
        })
        .unwrap();
        let zeros = "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00";
        let expected = [
            "00000010  68 65 6c 6c 6f 2c 20 77  6f 72 6c 64 0a 00 ff 2e  |hello, world....|",
            &format!("00000020  {zeros}  |................|"),
            "*",
            &format!("00000050  65 6e 64{}  |end|", " ".repeat(40)),
            "00000053",
        ];
        assert_eq!(out.lines().collect::<Vec<_>>(), expected);
    }
}
