//! The names that semaphores had.

use crate::deadlock::Deadlock;
use crate::objects::unlinked::has_provisional_name;
use crate::survey::{Entry, Survey};

/// Of a semaphore that was unlinked before another process opened it the kernel knows no name, but
/// the run does: `opened` is the name by which a thread has what it waits for.
pub fn name(survey: &mut Survey, found: &Deadlock, opened: impl Fn(i32) -> Option<String>) {
    for sleeper in &found.sleepers {
        let is_it = |entry: &&mut Entry| {
            let object = &entry.object;
            object.id == sleeper.place.file && has_provisional_name(object)
        };
        if let Some(entry) = survey.entries.iter_mut().find(is_it)
            && let Some(name) = opened(sleeper.tid)
        {
            entry.object.name = format!("/{}", name.trim_start_matches('/')).into_bytes();
        }
    }
}
