//! What the run has done with a semaphore before a thread waits for it in vain: often that is the
//! mistake itself.

use std::borrow::Cow;

use watch_run::tables::{Object, ObjectKind, Tables};

use super::age::is_alive;

/// None: nothing that explains the wait.
pub fn of(tables: &Tables, semaphore: &Object, waiter: i32) -> Option<Cow<'static, str>> {
    let is_one = matches!(semaphore.kind, ObjectKind::Named | ObjectKind::Unnamed);
    if !is_one || !tables.head.is_whole() {
        return None;
    }
    let was_taken = semaphore.first_taker != 0;
    if semaphore.kind == ObjectKind::Named && !semaphore.is_made {
        return (!was_taken && semaphore.value <= 0).then_some(
            "it existed before the run, with the value 0; an earlier run may have left it so"
                .into(),
        );
    }
    if semaphore.copy_poster != 0 {
        return Some(
            format!(
                "process {} has posted to a copy of its own, which fork(2) has made of memory that \
                 is not shared",
                semaphore.copy_poster
            )
            .into(),
        );
    }
    if semaphore.initial == 0 && semaphore.is_alive && !was_taken && semaphore.value == 0 {
        return Some("it was initialised to 0, and no process of the run has posted to it".into());
    }
    if semaphore.taker == waiter {
        return Some("the waiting thread took it last, and has not posted it".into());
    }
    let has_ended = semaphore.taker != 0 && !is_alive(semaphore.taker);
    has_ended.then(|| {
        format!("process {} took it last, and has ended without posting it", semaphore.taker_pid)
            .into()
    })
}
