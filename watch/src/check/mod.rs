//! Judges calls.
//!
//! | module | |
//! |---|---|
//! | `attached` | segments of System V that a process has attached |
//! | `case` | what is known of a call while it is judged |
//! | `circle` | locks that are taken in a circle |
//! | `end` | what is left at the end of a process, and of the run |
//! | `given` | numbers, types and times that cannot be right |
//! | `handlers` | waits in signal handlers |
//! | `identify` | which object a call is about |
//! | `kept` | queues that an heir keeps |
//! | `locks` | semaphores that work as locks |
//! | `lost` | messages that were not sent, or not received |
//! | `members` | the semaphores of a System V set |
//! | `memory` | semaphores whose memory goes |
//! | `queues` | queues of messages |
//! | `report` | a finding as a record |
//! | `semaphores` | the life of semaphores |
//! | `suspects` | what may turn out to be a mistake |
//! | `system_v` | objects of System V |
//! | `twice` | units that were given back twice |
//! | `values` | decisions by `sem_getvalue` |
//! | `verdict` | which of the suspects have made a mistake |

mod attached;
mod case;
mod circle;
mod end;
mod given;
mod handlers;
mod identify;
mod kept;
mod locks;
mod lost;
mod members;
mod memory;
mod queues;
mod report;
mod semaphores;
mod suspects;
mod system_v;
mod twice;
mod values;
mod verdict;

use watch_run::calls::number;
use watch_run::tables::Tables;

use crate::call::Call;
use crate::slots;
use case::judge;
pub use end::{exit, judge_end};

const fn is_on_set(call: &Call) -> bool {
    matches!(call.number, number::SEMOP | number::SEMTIMEDOP | number::SEMCTL)
}

pub fn before(run: &Tables, call: &mut Call, in_handler: bool) {
    // They make calls themselves, which must not find the book locked.
    match call.number {
        number::MQ_OPEN | number::SEM_OPEN | number::SHM_OPEN => {
            identify::ask_whether_new(run, call);
        }
        number::SEMGET | number::MSGGET | number::SHMGET => system_v::ask_whether_new(call),
        number::MQ_CLOSE | number::MQ_UNLINK | number::MQ_SEND | number::MQ_TIMEDSEND => {
            queues::ask_for_messages(run, call);
        }
        number::SEMCTL => members::ask_for_value(run, call),
        _ => {}
    }
    values::note_place(call);
    let in_handler = in_handler && !queues::never_waits(call);
    judge(run, call, |case| {
        if memory::unmaps(case.call.number) {
            memory::before_unmap(case);
            return;
        }
        identify::object(case);
        if let Some(object) = case.call.object() {
            slots::set_object(case.run, case.call.slot, object);
        }
        values::before(case);
        given::before(case);
        lost::before(case);
        if in_handler {
            handlers::before(case);
        }
        if case.is_on_semaphore() {
            semaphores::before(case);
            locks::before(case);
        }
        if is_on_set(case.call) {
            members::before(case);
        }
        queues::before(case);
    });
}

pub fn after(run: &Tables, call: &mut Call) {
    if call.number == number::MQ_OPEN && call.has_succeeded() {
        queues::ask_for_attributes(call);
    }
    given::ask_for_queue(call);
    judge(run, call, |case| {
        identify::opened(case);
        values::after(case);
        given::after(case);
        lost::after(case);
        if case.is_on_semaphore() {
            semaphores::after(case);
            locks::after(case);
        }
        queues::after(case);
        if is_on_set(case.call) {
            members::after(case);
        }
        system_v::after(case);
        attached::after(case);
        memory::after_unmap(case);
    });
}
