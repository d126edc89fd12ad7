//! The indices under which SEM_STAT, MSG_STAT and SHM_STAT know all objects of a family.
//!
//! An object has the same index for as long as it lives, whatever else comes and goes, so that a
//! loop over all indices finds it. The indices are local to the process: its first query gives one
//! to each existing object, in the order of the ids.

use std::sync::Mutex;

use super::enter::enter;
use super::family::LEAST_ID;
use super::find::settle;
use super::object::{Object, is_left_half_done};
use super::registry;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};

/// The ids of each family, each at its index; 0 = the index is free. A handler that interrupts a
/// query, and the child that another thread forks in the middle of one, do without it.
static NUMBERED: [Mutex<Vec<i32>>; 3] = [const { Mutex::new(Vec::new()) }; 3];

fn numbered<O: Object>() -> &'static Mutex<Vec<i32>> {
    &NUMBERED[O::FAMILY as usize]
}

/// All objects of a family.
#[derive(Clone, Debug, Default)]
pub struct All {
    /// Their ids, in order, and their sizes: semaphores, or bytes. 0: it is not known, as the
    /// object could not be inspected.
    pub objects: Vec<(i32, u64)>,
    /// The highest index of one; 0 if there is none.
    pub highest: usize,
}

/// See [`All`].
pub fn all<O: Object>(thread: &'static Thread) -> Result<All> {
    let objects = find_all::<O>(thread)?;
    let ids = number::<O>(&objects);
    let highest = ids.iter().rposition(|&id| id != 0).unwrap_or(0);
    Ok(All { objects, highest })
}

/// The id that SEM_STAT and its like mean: the index of an object, or an id. EINVAL.
pub fn id_of_index<O: Object>(thread: &'static Thread, index: i32) -> Result<i32> {
    if index >= LEAST_ID {
        return Ok(index);
    }
    let number_of = usize::try_from(index).map_err(|_| Errno::EINVAL)?;
    let known = numbered::<O>().try_lock().ok().and_then(|ids| ids.get(number_of).copied());
    if let Some(id) = known.filter(|&id| id != 0)
        && size::<O>(thread, id).is_some()
    {
        return Ok(id);
    }
    let ids = number::<O>(&find_all::<O>(thread)?);
    ids.get(number_of).copied().filter(|&id| id != 0).ok_or(Errno::EINVAL)
}

/// The objects that there are, and their sizes.
fn find_all<O: Object>(thread: &'static Thread) -> Result<Vec<(i32, u64)>> {
    let ids = registry::all(O::FAMILY)?;
    Ok(ids.into_iter().filter_map(|id| Some((id, size::<O>(thread, id)?))).collect())
}

/// `None`: there is no such object.
fn size<O: Object>(thread: &'static Thread, id: i32) -> Option<u64> {
    let seen = {
        let tag = FrameTag::new();
        enter::<O>(thread, id, &tag).map(|entered| {
            let is_whole = !is_left_half_done(&entered);
            is_whole.then_some(entered.object.identity().facts.size)
        })
    };
    match seen {
        Ok(Some(size)) => Some(size),
        // There, but not to be looked into.
        Err(Errno::EACCES) => Some(0),
        Ok(None) | Err(_) => {
            // What a death left half made, or half removed, goes.
            settle::<O>(thread, id);
            None
        }
    }
}

/// The ids by index, now that these are all there are.
fn number<O: Object>(all: &[(i32, u64)]) -> Vec<i32> {
    let Ok(mut ids) = numbered::<O>().try_lock() else {
        return all.iter().map(|(id, _)| *id).collect();
    };
    renumber(&mut ids, all);
    ids.clone()
}

/// Frees the indices of those that are gone, and gives the lowest free ones to those that are new.
/// `all` is in the order of the ids.
fn renumber(ids: &mut Vec<i32>, all: &[(i32, u64)]) {
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
    fn an_object_keeps_its_number_while_others_come_and_go() {
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
