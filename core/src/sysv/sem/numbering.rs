//! The numbers under which SEM_STAT knows all sets.
//!
//! A set has the same number for as long as it lives, whatever else comes and goes, so that a loop
//! over all numbers finds it. The numbers are those of this process: its first question numbers the
//! sets that there are in the order of their ids.

use std::sync::Mutex;

use super::control::members;
use crate::os::{Errno, Result};
use crate::shared::thread::Thread;
use crate::sysv::family::{Family, LEAST_ID};
use crate::sysv::registry;

/// The ids, each where its number is; 0 = the number is free. A handler that interrupts a question,
/// and the child that another thread forks in the middle of one, do without.
static NUMBERED: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// What IPC_INFO and SEM_INFO say of all sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Sets.
    pub sets: usize,
    /// Semaphores in them.
    pub members: usize,
    /// The highest number of a set; 0 if there is none.
    pub highest: usize,
}

/// See [`Totals`].
pub fn totals(thread: &'static Thread) -> Result<Totals> {
    let all = all(thread)?;
    let ids = number(&all);
    Ok(Totals {
        sets: all.len(),
        members: all.iter().map(|(_, members)| members).sum(),
        highest: ids.iter().rposition(|&id| id != 0).unwrap_or(0),
    })
}

/// The id that SEM_STAT means: the number of a set, or an id. EINVAL.
pub fn id_of_index(thread: &'static Thread, index: i32) -> Result<i32> {
    if index >= LEAST_ID {
        return Ok(index);
    }
    let number_of = usize::try_from(index).map_err(|_| Errno::EINVAL)?;
    let known = NUMBERED.try_lock().ok().and_then(|ids| ids.get(number_of).copied());
    if let Some(id) = known.filter(|&id| id != 0)
        && size(thread, id).is_some()
    {
        return Ok(id);
    }
    let ids = number(&all(thread)?);
    ids.get(number_of).copied().filter(|&id| id != 0).ok_or(Errno::EINVAL)
}

/// The sets that there are, and how many semaphores they have.
fn all(thread: &'static Thread) -> Result<Vec<(i32, usize)>> {
    let ids = registry::all(Family::Semaphores)?;
    Ok(ids.into_iter().filter_map(|id| Some((id, size(thread, id)?))).collect())
}

/// `None`: there is no such set.
fn size(thread: &'static Thread, id: i32) -> Option<usize> {
    match members(thread, id) {
        Ok(members) => Some(members),
        // There, but not to be looked into.
        Err(Errno::EACCES) => Some(0),
        Err(_) => None,
    }
}

/// The ids by number, now that these are all there are.
fn number(all: &[(i32, usize)]) -> Vec<i32> {
    let Ok(mut ids) = NUMBERED.try_lock() else {
        return all.iter().map(|(id, _)| *id).collect();
    };
    renumber(&mut ids, all);
    ids.clone()
}

/// Frees the numbers of those that are gone, and gives the lowest free ones to those that are new.
/// `all` is in the order of the ids.
fn renumber(ids: &mut Vec<i32>, all: &[(i32, usize)]) {
    let is_there = |id: i32| all.binary_search_by_key(&id, |(id, _)| *id).is_ok();
    for id in ids.iter_mut().filter(|id| !is_there(**id)) {
        *id = 0;
    }
    let mut known = ids.clone();
    known.sort_unstable();
    let new = all.iter().map(|(id, _)| *id).filter(|id| known.binary_search(id).is_err());
    let mut first_free = 0;
    for id in new {
        first_free += ids[first_free..].iter().take_while(|id| **id != 0).count();
        match ids.get_mut(first_free) {
            Some(free) => *free = id,
            None => ids.push(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_its_number_while_others_come_and_go() {
        let mut ids = Vec::new();
        let mut all = vec![(20, 1), (30, 1), (40, 1)];
        renumber(&mut ids, &all);
        assert_eq!(ids, [20, 30, 40]);
        all.remove(0);
        all.extend([(50, 1), (60, 1)]);
        renumber(&mut ids, &all);
        assert_eq!(ids, [50, 30, 40, 60]);
        renumber(&mut ids, &[]);
        assert_eq!(ids, [0; 4]);
    }
}
