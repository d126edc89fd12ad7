//! Objects in the directory of another mount namespace, a container's say: seen through the
//! processes in it.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::file::{FileId, Metadata};
use super::segment::Attachments;
use super::unlinked::Seen;
use super::{Kind, Object, State, classify, own_name};
use crate::processes::Pid;

/// Whether the file may lie at the top of a file system that is mounted there only: the kernel
/// shows no more of its path than that.
fn is_at_top(path: &Path) -> bool {
    path.parent() == Some(Path::new("/"))
}

/// Whether a file of which no more than the name is known is an object by that.
pub fn is_by_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    is_at_top(path) && classify(name).is_some_and(|(kind, _)| kind != Kind::Shm)
}

/// The object that this process has there. None if it is no object, or gone by now.
pub fn look_at(pid: Pid, seen: &Seen, attachments: &Attachments) -> Option<Object> {
    let directory = super::directory();
    if !is_at_top(seen.path()) && seen.path().parent() != Some(directory) {
        return None;
    }
    let there = path_for(pid, directory);
    // It lies in that directory's file system, or not there at all: memory without a name has no
    // path, either.
    if fs::metadata(&there).ok()?.dev() != seen.id().device {
        return None;
    }
    let path = named(&there, seen)?;
    let (kind, name) = classify(path.file_name()?.as_bytes())?;
    let metadata = Some(Metadata::of(&path).ok()?);
    let state = State::at(kind, &path, attachments);
    let name = own_name(&state).unwrap_or(name);
    let (id, elsewhere, memory, link) = (seen.id(), Some(pid), None, None);
    Some(Object { name, path, id, metadata, unlinked: false, elsewhere, memory, link, state })
}

/// The file in this directory that it is. Its maker may know it by another name, one that it had
/// before it was finished.
fn named(directory: &Path, seen: &Seen) -> Option<PathBuf> {
    let is_it = |path: &PathBuf| {
        Metadata::of(path).is_ok_and(|metadata| metadata.id == seen.id() && metadata.is_file)
    };
    let likely = directory.join(seen.path().file_name()?);
    if is_it(&likely) {
        return Some(likely);
    }
    let entries = fs::read_dir(directory).ok()?.flatten();
    let same = entries.filter(|entry| entry.ino() == seen.id().inode).map(|entry| entry.path());
    same.into_iter().find(is_it)
}

/// A file beside one there.
pub fn companion(pid: Pid, path: &Path) -> Option<FileId> {
    Metadata::of(&path_for(pid, path)).ok().map(|metadata| metadata.id)
}

/// How this process's own path leads there.
fn path_for(pid: Pid, path: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{pid}/root"));
    root.join(path.strip_prefix("/").unwrap_or(path))
}
