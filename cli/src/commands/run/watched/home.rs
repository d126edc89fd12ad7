//! The directory of a run, and the tables in it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::Ordering;

use watch_run::tables::{MAGIC, SIZE, Tables};
use watch_run::{RECORDS_FILE, TABLES_FILE};

/// It goes when this goes.
pub struct Home {
    directory: PathBuf,
    tables: *mut Tables,
}

impl Home {
    pub fn new(modes: u32, seed: u64) -> io::Result<Self> {
        let directory = make_directory()?;
        // The directory goes again if the rest fails.
        let mut home = Self { directory, tables: std::ptr::null_mut() };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(home.directory.join(TABLES_FILE))?;
        file.set_len(SIZE as u64)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(home.directory.join(RECORDS_FILE))?;
        home.tables = map(&file)?;
        let head = &home.tables().head;
        head.modes.store(modes, Ordering::Relaxed);
        head.seed.store(seed, Ordering::Relaxed);
        // Release: the fields before.
        head.magic.store(MAGIC, Ordering::Release);
        Ok(home)
    }

    pub fn path(&self) -> &Path {
        &self.directory
    }

    pub fn records(&self) -> io::Result<File> {
        File::open(self.directory.join(RECORDS_FILE))
    }

    pub fn tables(&self) -> &Tables {
        // SAFETY: mapped by `new` with the size of the tables, until this is dropped; what others
        // change meanwhile is atomic, or read by `copy`.
        unsafe { &*self.tables }
    }
}

/// A copy of plain memory that others may be changing: it may be half old and half new.
pub fn copy<T: Copy>(place: *const T) -> T {
    // SAFETY: the callers give places in the tables, which are mapped.
    unsafe { place.read_volatile() }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.tables.is_null() {
            // SAFETY: mapped with this size, and nobody has a reference any more.
            unsafe { libc::munmap(self.tables.cast(), SIZE) };
        }
        // There is nobody to tell.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A new one that only this user can enter.
fn make_directory() -> io::Result<PathBuf> {
    let mut number = 0_u32;
    loop {
        let name = format!("rsipc-run-{}-{number}", process::id());
        let directory = std::env::temp_dir().join(name);
        match DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn map(file: &File) -> io::Result<*mut Tables> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, where the kernel likes it.
    let memory = unsafe {
        libc::mmap(std::ptr::null_mut(), SIZE, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    if memory == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(memory.cast()) }
}
