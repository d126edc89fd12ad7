//! Amounts of memory as people write them.

const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];

/// Exact up to 9999 bytes, then with one digit after the point: `64.0M`.
#[expect(clippy::cast_precision_loss, reason = "two or three digits are shown")]
pub fn short(bytes: u64) -> String {
    if bytes < 10_000 {
        return bytes.to_string();
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1}{}", UNITS[unit])
}

/// `32 bytes`, `64.0M`
pub fn in_words(bytes: u64) -> String {
    let short = short(bytes);
    if short.ends_with(UNITS) { short } else { format!("{short} bytes") }
}

/// `4096`, `64K`, `1M`, `2G`: for options.
pub fn parse(text: &str) -> Result<u64, String> {
    const EXAMPLES: &str = "write it as 4096, 64K, 1M or 2G";
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("not an amount of memory; {EXAMPLES}"))?;
    let unit = match text[digits.len()..].trim_end_matches(['B', 'b']).trim_end_matches('i') {
        "" => Some(0),
        unit => {
            let unit = unit.to_ascii_uppercase();
            UNITS.iter().zip(1..).find(|(name, _)| unit == name.to_string()).map(|(_, power)| power)
        }
    };
    let power: u32 = unit.ok_or_else(|| format!("unknown unit; {EXAMPLES}"))?;
    number.checked_mul(1 << (10 * power)).ok_or_else(|| format!("out of range; {EXAMPLES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_their_unit() {
        let shown = [0, 32, 9_999, 10_240, 64 << 20, 1 << 40, u64::MAX].map(short);
        assert_eq!(shown, ["0", "32", "9999", "10.0K", "64.0M", "1.0T", "16384.0P"]);
    }

    #[test]
    fn amounts_from_the_command_line() {
        for (text, amount) in
            [("0", 0), ("4096", 4096), ("64K", 65_536), ("1MiB", 1 << 20), ("2g", 2 << 30)]
        {
            assert_eq!(parse(text), Ok(amount), "{text}");
        }
        for wrong in ["", "K", "-1", "1.5M", "1X", "99999P"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
