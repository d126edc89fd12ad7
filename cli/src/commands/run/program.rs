//! Whether a program can run with a preloaded library.

use std::env;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::status::{NOT_FOUND, NOT_RUN};
use crate::elf::{self, Elf};
use crate::failure::{Failure, Result};
use crate::output::escape;

/// Scripts whose interpreter is a script: more the kernel does not follow.
const DEPTH: usize = 5;
/// As much of a file as the kernel looks at for an interpreter.
const LINE: usize = 256;

/// The file that a shell would run.
pub fn find(name: &OsStr) -> Result<PathBuf> {
    let shown = escape::word(name.as_bytes());
    if name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return match fs::metadata(&path) {
            Ok(metadata) if is_program(&metadata) => Ok(path),
            Ok(metadata) if metadata.is_dir() => {
                Err(Failure::new(format!("{shown} is a directory")).with_status(NOT_RUN))
            }
            Ok(_) => Err(Failure::new(format!("{shown} is not executable"))
                .advise(format!("`chmod +x {shown}` makes it executable, if it is a program"))
                .with_status(NOT_RUN)),
            Err(error) => {
                let is_missing = error.kind() == io::ErrorKind::NotFound;
                Err(Failure::call(format_args!("cannot run {shown}"), error)
                    .with_status(if is_missing { NOT_FOUND } else { NOT_RUN }))
            }
        };
    }
    let search = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    env::split_paths(&search)
        .map(|directory| directory.join(name))
        .find(|path| fs::metadata(path).is_ok_and(|metadata| is_program(&metadata)))
        .ok_or_else(|| {
            Failure::new(format!("there is no program {shown} in PATH"))
                .advise("give its directory, such as ./prog")
                .with_status(NOT_FOUND)
        })
}

fn is_program(metadata: &fs::Metadata) -> bool {
    metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
}

/// Says why the library would have no effect, if that is so.
pub fn check(program: &Path) -> Result<()> {
    let mut path = program.to_owned();
    for _ in 0..DEPTH {
        let start = start_of(&path)
            .map_err(|error| Failure::call(format_args!("cannot read {}", shown(&path)), error))?;
        let Some(interpreter) = interpreter(&start) else { return check_binary(&path) };
        // Set-user-ID bits of a script mean nothing; those of its interpreter do.
        path = interpreter;
    }
    Ok(())
}

fn check_binary(path: &Path) -> Result<()> {
    if let Some(privilege) = privilege(path) {
        return Err(Failure::new(format!(
            "{} {privilege}: for such programs the loader ignores preloaded libraries",
            shown(path)
        ))
        .advise("run it as the user whose privileges it takes, or link it with -lrsipc"));
    }
    let file = File::open(path)
        .map_err(|error| Failure::call(format_args!("cannot read {}", shown(path)), error))?;
    match elf::read(&file) {
        Ok(Elf::Dynamic { loader }) => check_loader(path, &loader),
        Ok(Elf::Static) => Err(Failure::new(format!(
            "{} is linked statically: it contains the C library, so nothing can be preloaded",
            shown(path)
        ))
        .advise(format!(
            "link it with the archive: `cc -static PROGRAM.c {}`; or build it without -static",
            super::library::archive().as_deref().map_or("librsipc.a".to_owned(), shown)
        ))),
        Ok(Elf::OtherMachine) => Err(Failure::new(format!(
            "{} is built for another processor than librsipc",
            shown(path)
        ))
        .advise("build librsipc for that processor, and set RSIPC_LIB to it")),
        Ok(Elf::None) => Err(Failure::new(format!(
            "{} is neither a program nor a script that begins with #!",
            shown(path)
        ))),
        Err(error) => Err(Failure::call(format_args!("cannot read {}", shown(path)), error)),
    }
}

/// glibc's loader is called `ld-linux…`, `ld.so` or `ld64.so`, wherever it lies.
fn check_loader(path: &Path, loader: &Path) -> Result<()> {
    let name = loader.file_name().unwrap_or_default().as_bytes();
    if [&b"ld-linux"[..], b"ld.so", b"ld64.so"].iter().any(|glibc| name.starts_with(glibc)) {
        return Ok(());
    }
    let libc = if name.starts_with(b"ld-musl") { "musl" } else { "another C library" };
    Err(Failure::new(format!(
        "{} is built for {libc} (its loader is {}), and librsipc replaces a part of glibc",
        shown(path),
        shown(loader)
    ))
    .advise("build it for glibc"))
}

/// What makes the kernel run a program in secure mode.
fn privilege(path: &Path) -> Option<&'static str> {
    let metadata = fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode();
    // SAFETY: take no arguments.
    let (user, group) = unsafe { (libc::getuid(), libc::getgid()) };
    if is_without_privileges(path) {
        return None;
    }
    if mode & libc::S_ISUID != 0 && metadata.uid() != user {
        return Some("is set-user-ID");
    }
    if mode & libc::S_ISGID != 0 && mode & libc::S_IXGRP != 0 && metadata.gid() != group {
        return Some("is set-group-ID");
    }
    (user != 0 && has_capabilities(path)).then_some("has file capabilities")
}

/// On a file system that is mounted `nosuid` these bits mean nothing.
fn is_without_privileges(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: a C string, and plain data that the call fills in.
    unsafe {
        let mut status: libc::statvfs = std::mem::zeroed();
        libc::statvfs(path.as_ptr(), &raw mut status) == 0 && status.f_flag & libc::ST_NOSUID != 0
    }
}

fn has_capabilities(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: C strings; a size of 0 asks for the length only.
    unsafe {
        libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0) > 0
    }
}

fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(LINE as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Of a script: what stands behind `#!`, up to a blank.
fn interpreter(start: &[u8]) -> Option<PathBuf> {
    let line = start.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?.trim_ascii();
    let interpreter = line.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    (!interpreter.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(interpreter)))
}

fn shown(path: &Path) -> String {
    escape::word(path.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_of_scripts() {
        assert_eq!(interpreter(b"#!/bin/sh\necho"), Some("/bin/sh".into()));
        assert_eq!(interpreter(b"#! /usr/bin/env python3\n"), Some("/usr/bin/env".into()));
        assert_eq!(interpreter(b"#!\n"), None);
        assert_eq!(interpreter(b"\x7fELF"), None);
    }

    #[test]
    fn programs_are_found_as_a_shell_does() {
        assert!(find(OsStr::new("sh")).unwrap().is_absolute());
        assert!(find(OsStr::new("/bin/sh")).is_ok());
        assert!(find(OsStr::new("no-such-program-of-rsipc")).is_err());
        assert!(find(OsStr::new("/etc/passwd")).is_err());
        assert!(find(OsStr::new("/etc")).is_err());
    }
}
