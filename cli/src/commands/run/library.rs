//! Where the library is that belongs to this command.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::output::escape;

/// The SONAME's file first: it is there without the files for developers.
const NAMES: [&str; 2] = ["librsipc.so.0", "librsipc.so"];

const WATCHING: [&str; 2] = ["librsipc_watch.so.0", "librsipc_watch.so"];

/// The shared library to preload.
pub fn find() -> Result<PathBuf> {
    let found = match env::var_os("RSIPC_LIB").filter(|set| !set.is_empty()) {
        Some(set) => named(Path::new(&set))?,
        None => beside_command()?,
    };
    // The separators of LD_PRELOAD; it knows no quotes.
    if found.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b' ' | b':')) {
        let shown = escape::word(found.as_os_str().as_bytes());
        return Err(Failure::new(format!(
            "the library {shown} cannot be preloaded: its path contains a space or a colon"
        ))
        .advise("copy it to another directory, and set RSIPC_LIB to that"));
    }
    Ok(found)
}

/// The one that watches, beside the library.
pub fn watching(library: &Path) -> Result<PathBuf> {
    let directory = library.parent().unwrap_or(Path::new("/"));
    let found = WATCHING.iter().map(|name| directory.join(name)).find(|path| path.is_file());
    found.and_then(|found| found.canonicalize().ok()).ok_or_else(|| {
        let shown = escape::word(directory.as_os_str().as_bytes());
        Failure::new(format!("there is no librsipc_watch.so in {shown}"))
            .advise("`make` builds it beside librsipc.so, `make install` puts both in place")
    })
}

/// The archive beside it, for programs that are linked statically.
pub fn archive() -> Option<PathBuf> {
    let library = find().ok()?;
    let beside = library.with_file_name("librsipc.a");
    beside.is_file().then_some(beside)
}

/// What RSIPC_LIB names: the library, or its directory.
fn named(path: &Path) -> Result<PathBuf> {
    let found =
        if path.is_dir() { in_directory(path) } else { path.is_file().then(|| path.to_owned()) };
    found.and_then(|found| found.canonicalize().ok()).ok_or_else(|| {
        let shown = escape::word(path.as_os_str().as_bytes());
        Failure::new(format!(
            "RSIPC_LIB={shown} is neither librsipc.so nor a directory that contains it"
        ))
    })
}

/// `make install` puts the command into `bin` and the library into `lib`; cargo puts both into one
/// directory.
fn beside_command() -> Result<PathBuf> {
    let command = env::current_exe()
        .map_err(|error| Failure::call("cannot find the rsipc program itself", error))?;
    let own = command.parent().unwrap_or(Path::new("/"));
    let multiarch = format!("../lib/{}-linux-gnu", env::consts::ARCH);
    let places = ["../lib", &multiarch, "../lib64", "."].map(|place| own.join(place));
    let found = places.iter().find_map(|place| in_directory(place));
    found.and_then(|found| found.canonicalize().ok()).ok_or_else(|| {
        let shown = escape::word(own.as_os_str().as_bytes());
        Failure::new(format!(
            "there is no librsipc.so beside this command in {shown}, nor in its ../lib"
        ))
        .advise("`make install` puts both in place; RSIPC_LIB names a library elsewhere")
    })
}

fn in_directory(directory: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| directory.join(name)).find(|path| path.is_file())
}
