//! The files that memory of a process is of.

use crate::symbols::Place;

/// Where an address is in the file that it was loaded from; the zero-initialised data behind a
/// file's mappings belongs to it.
pub fn place(maps: &str, address: u64) -> Option<Place> {
    let mut base: Option<(u64, u64, &str)> = None;
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok()?;
        let end = u64::from_str_radix(end, 16).ok()?;
        let path = words.nth(4).unwrap_or_default();
        base = match base {
            Some((from, _, known)) if known == path => Some((from, end, known)),
            Some((from, to, known)) if path.is_empty() && to == start => Some((from, end, known)),
            _ if path.starts_with('/') => Some((start, end, path)),
            _ => None,
        };
        if (start..end).contains(&address) {
            return base.map(|(from, _, path)| Place(path.to_owned(), address - from));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_files() {
        let maps = "1000-2000 r--p 00000000 08:01 5  /bin/a\n\
                    2000-3000 r-xp 00001000 08:01 5  /bin/a\n\
                    3000-4000 rw-p 00000000 00:00 0 \n\
                    6000-7000 rw-p 00000000 00:00 0  [stack]\n";
        let of = |address| place(maps, address).map(|Place(path, offset)| (path, offset));
        assert_eq!(of(0x2010), Some(("/bin/a".to_owned(), 0x1010)));
        assert_eq!(of(0x3010), Some(("/bin/a".to_owned(), 0x2010)));
        assert_eq!(of(0x6010), None);
        assert_eq!(of(0x5000), None);
    }
}
