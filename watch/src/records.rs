//! Where findings and traced calls go: a line of JSON each, appended to a file by one write(2), so
//! that the lines of several processes do not mix. The file is opened for each line: a descriptor
//! that stayed open would be noticed, and closed, by programs that close what they do not know.
//! Findings that no command reads are text on the standard error.

use std::ffi::CString;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use watch_run::tables::Tables;

use crate::line::Line;
use crate::system;

/// Where to.
#[derive(Default)]
pub struct Places {
    /// Calls, and what chaos did to the run.
    pub calls: Option<CString>,
    /// Findings; None: the standard error, as text.
    pub findings: Option<CString>,
}

/// Set once, at load; then read without a lock.
static PLACES: OnceLock<Places> = OnceLock::new();

pub fn set_places(places: Places) {
    // A second time never comes.
    let _ = PLACES.set(places);
}

/// Whether findings are read by people, and not by the command.
pub fn findings_are_text() -> bool {
    PLACES.get().is_none_or(|places| places.findings.is_none())
}

/// A traced call.
pub fn call(run: &Tables, line: &mut Line) {
    let path = PLACES.get().and_then(|places| places.calls.as_ref());
    append(run, path, line);
}

/// A finding, or what chaos did: JSON or text, by [`findings_are_text`].
pub fn finding(run: &Tables, line: &mut Line) {
    let path = PLACES.get().and_then(|places| places.findings.as_ref());
    if path.is_some() {
        append(run, path, line);
    } else {
        line.push(b"\n");
        system::write(libc::STDERR_FILENO, line.bytes());
    }
}

fn append(run: &Tables, path: Option<&CString>, line: &mut Line) {
    let Some(path) = path else { return };
    line.push(b"\n");
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT;
    let written = system::open(path, flags).is_some_and(|file| {
        let written = system::write(file, line.bytes());
        system::close(file);
        written
    });
    if !written {
        run.head.unwritten.fetch_add(1, Ordering::Relaxed);
    }
}
