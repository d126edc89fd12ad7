//! Judges calls.
//!
//! | module | |
//! |---|---|
//! | `end` | what is left at the end of a process, and of the run |
//! | `identify` | which object a call is about |
//! | `locks` | semaphores that work as locks |
//! | `lost` | messages that were not sent, or not received |
//! | `memory` | semaphores whose memory goes |
//! | `queues` | queues of messages |
//! | `report` | a finding as a record |
//! | `semaphores` | the life of semaphores |
//! | `system_v` | objects of System V |
//! | `values` | decisions by `sem_getvalue` |

mod end;
mod identify;
mod locks;
mod lost;
mod memory;
mod queues;
mod report;
mod semaphores;
mod system_v;
mod values;

use watch_run::calls::{Argument, CALLS, number};
use watch_run::finding::Kind;
use watch_run::tables::Tables;

use crate::hooks::Call;
use crate::{book, memory as own, run, slots, system};
pub use end::{exit, judge_end};
use report::Findings;

/// What is known of a call while it is judged. The book is locked, and signals are blocked.
struct Case<'a> {
    run: &'a Tables,
    book: &'a mut watch_run::tables::Book,
    own: &'a mut own::Memory,
    call: &'a mut Call,
    pid: i32,
    tid: i32,
    found: &'a mut Findings,
}

impl Case<'_> {
    fn say(&mut self, kind: Kind, object: Option<usize>, text: std::fmt::Arguments) {
        self.found.add(self.book, kind, object, (self.pid, self.tid), text);
    }

    /// Whether the call is about a semaphore that its first argument is the address of.
    fn is_on_semaphore(&self) -> bool {
        CALLS[self.call.index()].arguments[0] == Argument::Semaphore
    }
}

fn judge(run: &Tables, call: &mut Call, work: impl FnOnce(&mut Case)) {
    let mut found = Findings::default();
    run::with_book(run, |book| {
        // SAFETY: signals are blocked, and nothing else in here asks for it.
        let own = unsafe { own::own() };
        let (pid, tid) = (system::pid(), system::tid());
        know_process(run, book, pid);
        work(&mut Case { run, book, own, call, pid, tid, found: &mut found });
    });
    found.report(run, (!call.site.is_null()).then_some(&*call));
}

/// A process that was begun by a bare clone(2) or by vfork(2).
fn know_process(run: &Tables, book: &mut watch_run::tables::Book, pid: i32) {
    if book::process(book, pid).is_none() {
        let parent = system::parent();
        let path = book::process(book, parent).map_or(0, |process| process.path);
        book::add_process(book, pid, path);
        if !book::inherit(book, parent, parent, pid) {
            run::note_missed(run);
        }
    }
}

pub fn before(run: &Tables, call: &mut Call, in_handler: bool) {
    // They make calls themselves, which must not find the book locked.
    match call.number {
        number::MQ_OPEN | number::SEM_OPEN | number::SHM_OPEN => identify::ask_whether_new(call),
        number::SEMGET | number::MSGGET | number::SHMGET => system_v::ask_whether_new(call),
        number::MQ_CLOSE | number::MQ_UNLINK | number::MQ_SEND | number::MQ_TIMEDSEND => {
            queues::ask_for_messages(call);
        }
        _ => {}
    }
    judge(run, call, |case| {
        if case.call.number == number::MUNMAP {
            memory::before_unmap(case);
            return;
        }
        identify::object(case);
        if let Some(object) = case.call.object() {
            slots::set_object(case.run, case.call.slot, object);
        }
        values::before(case);
        lost::before(case);
        if in_handler {
            memory::in_handler(case);
        }
        if case.is_on_semaphore() {
            semaphores::before(case);
            locks::before(case);
        }
        queues::before(case);
    });
}

pub fn after(run: &Tables, call: &mut Call) {
    if call.number == number::MQ_OPEN && call.has_succeeded() {
        queues::ask_for_attributes(call);
    }
    judge(run, call, |case| {
        identify::opened(case);
        values::after(case);
        lost::after(case);
        if case.is_on_semaphore() {
            semaphores::after(case);
            locks::after(case);
        }
        queues::after(case);
        system_v::after(case);
        memory::after_unmap(case);
    });
}
