//! What is known of processes. The caller holds the lock of the book.

use watch_run::tables::{Book, PROCESSES, Process};

use crate::{book, system};

/// All zeros: free.
const NO_PROCESS: Process = Process {
    pid: 0,
    children: 0,
    path: 0,
    programs: 0,
    name: [0; 16],
    is_over: false,
    is_heir: false,
    parent: 0,
    born: 0,
};

/// The process was forked by this one, at that time.
pub fn set_birth(book: &mut Book, pid: i32, parent: i32, born: u64) {
    if let Some(process) = find(book, pid) {
        (process.parent, process.born) = (parent, born);
    }
}

/// Whether what `before` did at this time comes before all that `pid` does: it forked it, or a
/// process that forked it, later.
pub fn is_descendant(book: &Book, pid: i32, before: i32, at: u64) -> bool {
    let mut current = pid;
    for _ in 0..PROCESSES {
        let known = book.processes.iter().find(|process| process.pid == current);
        let Some(process) = known.filter(|process| process.born > at) else { return false };
        if process.parent == before {
            return true;
        }
        current = process.parent;
    }
    false
}

pub fn find(book: &mut Book, pid: i32) -> Option<&mut Process> {
    book.processes.iter_mut().find(|process| process.pid == pid)
}

/// The entry of a new process, in the place of one that has ended if all are taken. False if there
/// is no room for it.
pub fn add(book: &mut Book, pid: i32, path: u64, is_heir: bool) -> bool {
    let place = |book: &Book, is_it: fn(&Process, i32) -> bool| {
        book.processes.iter().position(|process| is_it(process, pid))
    };
    let free = place(book, |process, pid| process.pid == pid)
        .or_else(|| place(book, |process, _| process.pid == 0))
        .or_else(|| {
            book::sweep(book);
            place(book, |process, _| process.is_over)
        });
    let Some(index) = free else { return false };
    let name = system::name();
    book.processes[index] = Process {
        pid,
        children: 0,
        path,
        programs: 0,
        name,
        is_over: false,
        is_heir,
        ..NO_PROCESS
    };
    true
}

/// The name of a program, as far as it is known.
pub fn program(book: &Book, pid: i32) -> [u8; 16] {
    let known = book.processes.iter().find(|process| process.pid == pid);
    known.map_or([0; 16], |process| process.name)
}
