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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_their_unit() {
        let shown = [0, 32, 9_999, 10_240, 64 << 20, 1 << 40, u64::MAX].map(short);
        assert_eq!(shown, ["0", "32", "9999", "10.0K", "64.0M", "1.0T", "16384.0P"]);
    }
}
