//! What is mapped where: /proc/self/maps (proc(5)), read without allocation.

use std::ffi::CStr;

use crate::system;

/// The longest path that is kept.
pub const PATH: usize = 256;

/// A line of the file.
#[derive(Clone, Copy)]
pub struct Region {
    pub start: u64,
    pub end: u64,
    /// Its memory is shared with other processes.
    pub is_shared: bool,
    pub offset: u64,
    /// Major and minor number.
    pub device: u64,
    pub inode: u64,
    pub path: [u8; PATH],
    pub path_length: usize,
}

impl Region {
    pub fn path(&self) -> &[u8] {
        &self.path[..self.path_length]
    }
}

/// Calls `visit` for each region, in the order of addresses, until it returns false. False if the
/// file cannot be read.
pub fn each(mut visit: impl FnMut(&Region) -> bool) -> bool {
    let files = [c"/proc/self/maps", c"/proc/thread-self/maps"];
    each_own_line(files, |line| parse(line).is_none_or(|region| visit(&region)))
}

/// Likewise with the lines of the first file, which is empty if the first thread of the process has
/// ended, or else of the second one.
fn each_own_line([first, by_thread]: [&CStr; 2], mut visit: impl FnMut(&[u8]) -> bool) -> bool {
    let mut any = false;
    let is_read = each_line(first, |line| {
        any = true;
        visit(line)
    });
    is_read && (any || each_line(by_thread, visit))
}

/// Likewise with the lines of a file.
fn each_line(path: &CStr, mut visit: impl FnMut(&[u8]) -> bool) -> bool {
    let Some(file) = system::open(path, libc::O_RDONLY) else { return false };
    let mut buffer = [0; 2048];
    let mut used = 0;
    'reading: loop {
        let read = system::read(file, &mut buffer[used..]);
        if read == 0 {
            break;
        }
        used += read;
        let mut start = 0;
        while let Some(length) = buffer[start..used].iter().position(|&byte| byte == b'\n') {
            if !visit(&buffer[start..start + length]) {
                break 'reading;
            }
            start += length + 1;
        }
        buffer.copy_within(start..used, 0);
        used -= start;
        // A line that has no room is none of ours.
        if used == buffer.len() {
            used = 0;
        }
    }
    system::close(file);
    true
}

/// The region with this address.
pub fn at(address: u64) -> Option<Region> {
    let mut found = None;
    each(|region| {
        if (region.start..region.end).contains(&address) {
            found = Some(*region);
        }
        region.end <= address
    });
    found
}

/// Whether this process has no page of the shared memory that begins there: of what it has from its
/// parent, it has touched nothing then. A page that was swapped out counts as touched. None: it
/// cannot be known.
pub fn is_untouched(address: u64) -> Option<bool> {
    let (mut is_it, mut is_shared, mut amounts, mut sum) = (false, false, 0, 0);
    let files = [c"/proc/self/smaps", c"/proc/thread-self/smaps"];
    each_own_line(files, |line| {
        if let Some(region) = parse(line) {
            is_it = region.start == address;
            is_shared |= is_it && region.is_shared;
            return region.start <= address;
        }
        let is_amount = [&b"Rss:"[..], b"Swap:", b"Shared_Hugetlb:", b"Private_Hugetlb:"]
            .iter()
            .any(|name| line.starts_with(name));
        if is_it && is_amount {
            amounts += 1;
            let digits = line.iter().filter(|byte| byte.is_ascii_digit());
            sum +=
                digits.fold(0_u64, |sum, digit| sum.saturating_mul(10) + u64::from(digit - b'0'));
        }
        true
    });
    (is_shared && amounts == 4).then_some(sum == 0)
}

/// `start-end rwxp offset major:minor inode path`
fn parse(line: &[u8]) -> Option<Region> {
    let mut rest = line;
    let start = hexadecimal(&mut rest)?;
    let end = hexadecimal(&mut rest)?;
    let flags = rest.get(..4)?;
    rest = rest.get(5..)?;
    let offset = hexadecimal(&mut rest)?;
    let major = hexadecimal(&mut rest)?;
    let minor = hexadecimal(&mut rest)?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let inode = rest[..digits].iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let path = rest[digits..].trim_ascii_start();
    let path_length = path.len().min(PATH);
    let mut kept = [0; PATH];
    kept[..path_length].copy_from_slice(&path[..path_length]);
    Some(Region {
        start,
        end,
        is_shared: flags[3] == b's',
        offset,
        device: major << 32 | minor,
        inode,
        path: kept,
        path_length,
    })
}

/// Takes a number, and the byte behind it.
fn hexadecimal(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (index, &byte) in rest.iter().enumerate() {
        let Some(digit) = char::from(byte).to_digit(16) else {
            *rest = &rest[index + 1..];
            return (index > 0).then_some(value);
        };
        value = value << 4 | u64::from(digit);
    }
    None
}

/// Where an address is in the file that it was loaded from: see [`places`].
#[derive(Clone, Copy)]
pub struct Place {
    pub path: [u8; PATH],
    pub path_length: usize,
    /// From where the file's beginning is mapped.
    pub offset: u64,
}

/// For each address the file that it was loaded from. The zero-initialised data behind a file's
/// mappings belongs to it, too.
pub fn places<const N: usize>(addresses: &[u64; N]) -> [Option<Place>; N] {
    let mut found = [None; N];
    let mut base: Option<Region> = None;
    each(|region| {
        let begins = region.path_length > 0 && region.path[0] == b'/';
        match &mut base {
            // The same file goes on, or its zero-initialised data.
            Some(base) if region.inode == base.inode && region.device == base.device => {
                base.end = region.end;
            }
            Some(base) if region.path_length == 0 && region.start == base.end => {
                base.end = region.end;
            }
            _ if begins => base = Some(*region),
            _ => base = None,
        }
        let Some(base) = &base else { return true };
        for (address, place) in addresses.iter().zip(&mut found) {
            if (region.start..region.end).contains(address) {
                let offset = address - base.start;
                *place = Some(Place { path: base.path, path_length: base.path_length, offset });
            }
        }
        true
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line() {
        let line = b"7f0000001000-7f0000003000 rw-s 00002000 00:1b 1234                /dev/shm/x";
        let region = parse(line).unwrap();
        assert_eq!((region.start, region.end), (0x7f00_0000_1000, 0x7f00_0000_3000));
        assert!(region.is_shared);
        assert_eq!((region.offset, region.device, region.inode), (0x2000, 0x1b, 1234));
        assert_eq!(region.path(), b"/dev/shm/x");
        assert!(parse(b"nonsense").is_none());
    }

    #[test]
    fn own_data_lies_in_own_file() {
        static DATA: u64 = 1;
        let address = &raw const DATA as u64;
        let place = places(&[address])[0].unwrap();
        let path = std::env::current_exe().unwrap();
        assert_eq!(&place.path[..place.path_length], path.as_os_str().as_encoded_bytes());
        assert!(at(address).unwrap().start <= address);
        assert!(at(16).is_none());
    }
}
