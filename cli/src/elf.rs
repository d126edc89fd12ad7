//! As much of an ELF file as tells how it is loaded (elf(5)).

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// How a program is loaded.
#[derive(Debug, PartialEq, Eq)]
pub enum Elf {
    /// By this loader, which preloads what it is told to.
    Dynamic { loader: PathBuf },
    /// By the kernel alone.
    Static,
    /// Not by this machine, or not into the same process as our library.
    OtherMachine,
    /// It is no ELF program.
    None,
}

const MAGIC: &[u8] = b"\x7fELF";
const CLASS_64: u8 = 2;
const OWN_ENDIAN: u8 = if cfg!(target_endian = "little") { 1 } else { 2 };
/// `EM_X86_64`, `EM_AARCH64`; the library cannot be built for others.
const OWN_MACHINE: u16 = if cfg!(target_arch = "x86_64") {
    62
} else if cfg!(target_arch = "aarch64") {
    183
} else {
    0
};
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
/// More a sound file does not have.
const LONGEST_PATH: u64 = 4096;

pub fn read(file: &File) -> io::Result<Elf> {
    let mut header = [0; HEADER];
    match file.read_exact_at(&mut header, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Elf::None),
        other => other?,
    }
    if !header.starts_with(MAGIC) {
        return Ok(Elf::None);
    }
    if header[4] != CLASS_64 || header[5] != OWN_ENDIAN || u16_at(&header, 18) != OWN_MACHINE {
        return Ok(Elf::OtherMachine);
    }
    let (table, entry_size, entries) =
        (u64_at(&header, 32), u16_at(&header, 54), u16_at(&header, 56));
    if usize::from(entry_size) != PROGRAM_HEADER {
        return Ok(Elf::None);
    }
    for entry in 0..u64::from(entries) {
        let mut segment = [0; PROGRAM_HEADER];
        file.read_exact_at(&mut segment, table.saturating_add(entry * PROGRAM_HEADER as u64))?;
        if u32_at(&segment, 0) == PT_INTERP {
            return loader(file, u64_at(&segment, 8), u64_at(&segment, 32));
        }
    }
    Ok(Elf::Static)
}

/// The address that the beginning of a program or library was linked for: 0, unless it can only be
/// loaded there.
pub fn base(file: &File) -> io::Result<u64> {
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0)?;
    let (table, entries) = (u64_at(&header, 32), u16_at(&header, 56));
    for entry in 0..u64::from(entries) {
        let mut segment = [0; PROGRAM_HEADER];
        file.read_exact_at(&mut segment, table.saturating_add(entry * PROGRAM_HEADER as u64))?;
        if u32_at(&segment, 0) == PT_LOAD {
            return Ok(u64_at(&segment, 16).saturating_sub(u64_at(&segment, 8)));
        }
    }
    Ok(0)
}

fn loader(file: &File, offset: u64, length: u64) -> io::Result<Elf> {
    let length = usize::try_from(length.min(LONGEST_PATH)).unwrap_or(0);
    let mut path = vec![0; length];
    file.read_exact_at(&mut path, offset)?;
    let end = path.iter().position(|&byte| byte == 0).unwrap_or(length);
    Ok(Elf::Dynamic { loader: PathBuf::from(OsStr::from_bytes(&path[..end])) })
}

fn u16_at(bytes: &[u8], start: usize) -> u16 {
    u16::from_ne_bytes(bytes[start..start + 2].try_into().expect("two bytes"))
}

fn u32_at(bytes: &[u8], start: usize) -> u32 {
    u32::from_ne_bytes(bytes[start..start + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], start: usize) -> u64 {
    u64::from_ne_bytes(bytes[start..start + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn of(bytes: &[u8]) -> Elf {
        let path =
            std::env::temp_dir().join(format!("rsipc-elf-{}-{}", std::process::id(), bytes.len()));
        File::create(&path).unwrap().write_all(bytes).unwrap();
        let elf = read(&File::open(&path).unwrap());
        std::fs::remove_file(path).unwrap();
        elf.unwrap()
    }

    #[test]
    fn this_very_program_is_loaded_dynamically() {
        let elf = read(&File::open("/proc/self/exe").unwrap()).unwrap();
        let Elf::Dynamic { loader } = &elf else { panic!("{elf:?}") };
        assert!(loader.to_string_lossy().contains("ld-linux"), "{elf:?}");
    }

    #[test]
    fn what_is_no_program() {
        assert_eq!(of(b""), Elf::None);
        assert_eq!(of(&[b'x'; 100]), Elf::None);
    }

    #[test]
    fn a_program_of_32_bits() {
        let mut bytes = [0; 65];
        bytes[..5].copy_from_slice(b"\x7fELF\x01");
        assert_eq!(of(&bytes), Elf::OtherMachine);
    }
}
