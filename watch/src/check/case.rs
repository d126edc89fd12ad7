//! What is known of a call while it is judged.

use watch_run::calls::{Argument, CALLS};
use watch_run::finding::Kind;
use watch_run::suspect::{Clue, Suspect};
use watch_run::tables::{Book, Gap, ObjectKind, Tables, mode};

use super::report::Findings;
use super::suspects;
use crate::call::Call;
use crate::{book, heirs, memory as own, processes, run, system, who};

/// What is known of a call while it is judged. The book is locked, and signals are blocked.
pub struct Case<'a> {
    pub run: &'a Tables,
    pub book: &'a mut Book,
    pub own: &'a mut own::Memory,
    pub call: &'a mut Call,
    pub pid: i32,
    pub tid: i32,
    pub found: &'a mut Findings,
}

impl Case<'_> {
    pub fn say(&mut self, kind: Kind, object: Option<usize>, text: std::fmt::Arguments) {
        self.found.add(self.book, kind, object, (self.pid, self.tid), text);
    }

    /// A mistake only if what comes later does not explain it.
    pub fn suspect(&mut self, kind: Kind, object: usize, clue: Clue, text: std::fmt::Arguments) {
        if !run::has_mode(self.run, mode::CHECK) {
            return;
        }
        let suspect = Suspect { clue, ..suspects::new(kind, object, self.tid) };
        self.found.add_suspect(self.book, suspect, kind, (self.pid, self.tid), text);
    }

    /// A new object; None, which is noted, if there is no room.
    pub fn add_object(&mut self, kind: ObjectKind, name: &[u8]) -> Option<usize> {
        let index = book::add_object(self.book, kind, name);
        if index.is_none() {
            run::note_missed(self.run, Gap::Objects);
        }
        index
    }

    /// What this process knows the object by; None, which is noted, if there is no room.
    pub fn add_handle(&mut self, key: u64, object: usize) -> Option<usize> {
        let index = book::add_handle(self.book, self.pid, key, object);
        if index.is_none() {
            run::note_missed(self.run, Gap::Handles);
        }
        index
    }

    /// Whether the call is about a semaphore that its first argument is the address of.
    pub fn is_on_semaphore(&self) -> bool {
        CALLS[self.call.index()].arguments[0] == Argument::Semaphore
    }
}

/// Judges a call, and reports what is found.
pub fn judge(run: &Tables, call: &mut Call, work: impl FnOnce(&mut Case)) {
    let mut found = Findings::default();
    run::with_book(run, |book| {
        // SAFETY: signals are blocked, and nothing else in here asks for it.
        let own = unsafe { own::own() };
        let (pid, tid) = (who::pid(), who::tid());
        know_process(run, book, pid);
        work(&mut Case { run, book, own, call, pid, tid, found: &mut found });
    });
    found.report(run, (!call.site.is_null()).then_some(&*call));
}

/// A process that was begun by a bare clone(2) or by vfork(2).
fn know_process(run: &Tables, book: &mut Book, pid: i32) {
    if processes::find(book, pid).is_none() {
        let parent = system::parent();
        let path = processes::find(book, parent).map_or(0, |process| process.path);
        if !processes::add(book, pid, path, true) {
            run::note_missed(run, Gap::Processes);
        }
        if !heirs::inherit(book, parent, parent, pid) {
            run::note_missed(run, Gap::Handles);
        }
    }
}
