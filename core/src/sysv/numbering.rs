//! The indices under which SEM_STAT, MSG_STAT and SHM_STAT know all objects of a family.
//!
//! An object has the same index for as long as it lives, whatever else comes and goes, so that a
//! loop over all indices finds it. The indices are local to the process: its first query gives one
//! to each existing object, in the order of the ids.

use std::sync::{Mutex, MutexGuard};

use super::attached::Use;
use super::enter::enter;
use super::family::{LEAST_ID, directory};
use super::find::settle;
use super::object::{Object, is_left_half_done};
use super::registry;
use crate::os::directory::Version;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};

/// The numbers of one family.
#[derive(Default)]
struct Numbers {
    /// The ids, each at its index; 0 = the index is free.
    ids: Vec<i32>,
    /// The version of the directory that these are all objects of. `None`: there may be others.
    version: Option<Version>,
}

/// A handler that interrupts a query, and the child that another thread forks in the middle of one,
/// do without these.
static NUMBERED: [Mutex<Numbers>; 3] =
    [const { Mutex::new(Numbers { ids: Vec::new(), version: None }) }; 3];

fn numbered<O: Object>() -> Option<MutexGuard<'static, Numbers>> {
    NUMBERED[O::FAMILY as usize].try_lock().ok()
}

/// What SEM_INFO and its like say of all objects of a family.
#[derive(Clone, Copy, Debug, Default)]
pub struct All<T> {
    /// How many there are.
    pub objects: usize,
    /// The sum of what was asked of each, as far as they can be inspected.
    pub sum: T,
    /// The highest index of one; 0 if there is none.
    pub highest: usize,
}

/// See [`All`]. `ask` is asked of each object, and `add` adds what it says.
pub fn all<O: Object, T: Default>(
    thread: &'static Thread,
    ask: impl Fn(&Use<O>) -> Result<T>,
    add: impl Fn(T, T) -> T,
) -> Result<All<T>> {
    let ids = ids::<O>(thread)?;
    let mut all = All::default();
    for (index, &id) in ids.iter().enumerate().filter(|(_, id)| **id != 0) {
        if let Some(found) = inspect(thread, id, &ask) {
            all.highest = index;
            all.objects += 1;
            all.sum = add(all.sum, found);
        }
    }
    Ok(all)
}

/// The highest index of an object; 0 if there is none.
pub fn highest<O: Object>(thread: &'static Thread) -> Result<usize> {
    let ids = ids::<O>(thread)?;
    Ok(ids.iter().rposition(|&id| is_there::<O>(thread, id)).unwrap_or(0))
}

/// The id that SEM_STAT and its like mean: the index of an object, or an id. EINVAL.
pub fn id_of_index<O: Object>(thread: &'static Thread, index: i32) -> Result<i32> {
    if index >= LEAST_ID {
        return Ok(index);
    }
    let number_of = usize::try_from(index).map_err(|_| Errno::EINVAL)?;
    let known = numbered::<O>().and_then(|numbers| numbers.ids.get(number_of).copied());
    if let Some(id) = known.filter(|&id| is_there::<O>(thread, id)) {
        return Ok(id);
    }
    let found = ids::<O>(thread)?.get(number_of).copied();
    found.filter(|&id| is_there::<O>(thread, id)).ok_or(Errno::EINVAL)
}

/// The ids by index; 0 = the index is free. The directory is read only if objects may have come or
/// gone since it was read last.
fn ids<O: Object>(thread: &'static Thread) -> Result<Vec<i32>> {
    // Before the directory is read: what changes meanwhile is found by the next query. A filter may
    // kill for the clock of the kernel.
    let may_ask = !thread.filter.is_confined();
    let version = || Version::of(directory().ok()?.as_c_str()).ok().filter(Version::is_settled);
    let version = may_ask.then(version).flatten();
    let numbers = numbered::<O>();
    if let Some(numbers) = numbers.filter(|numbers| version.is_some() && numbers.version == version)
    {
        return Ok(numbers.ids.clone());
    }
    let listed = registry::all(O::FAMILY)?;
    let there = listed.iter().copied().filter(|&id| is_there::<O>(thread, id));
    let there: Vec<i32> = there.collect();
    // One that is being made may be whole soon, and no entry of the directory comes by that.
    let are_all_whole = there.len() == listed.len();
    let Some(mut numbers) = numbered::<O>() else { return Ok(there) };
    renumber(&mut numbers.ids, &there);
    numbers.version = version.filter(|_| are_all_whole);
    Ok(numbers.ids.clone())
}

fn is_there<O: Object>(thread: &'static Thread, id: i32) -> bool {
    id != 0 && inspect::<O, ()>(thread, id, |_| Ok(())).is_some()
}

/// `None`: there is no such object. One that cannot be inspected gives the default.
fn inspect<O: Object, T: Default>(
    thread: &'static Thread,
    id: i32,
    ask: impl FnOnce(&Use<O>) -> Result<T>,
) -> Option<T> {
    let seen = {
        let tag = FrameTag::new();
        enter::<O>(thread, id, &tag).map(|entered| {
            let is_whole = !is_left_half_done(&entered);
            is_whole.then(|| ask(&entered).unwrap_or_default())
        })
    };
    match seen {
        Ok(Some(answer)) => Some(answer),
        // There, but not to be looked into.
        Err(Errno::EACCES) => Some(T::default()),
        Ok(None) | Err(_) => {
            // What a death left half made, or half removed, goes.
            settle::<O>(thread, id);
            None
        }
    }
}

/// Frees the indices of those that are gone, and gives the lowest free ones to those that are new.
/// `all` is in the order of the ids.
fn renumber(ids: &mut Vec<i32>, all: &[i32]) {
    let is_there = |id: i32| all.binary_search(&id).is_ok();
    for id in ids.iter_mut().filter(|id| !is_there(**id)) {
        *id = 0;
    }
    let mut known = ids.clone();
    known.sort_unstable();
    let new = all.iter().copied().filter(|id| known.binary_search(id).is_err());
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
        let mut all = vec![20, 30, 40];
        renumber(&mut ids, &all);
        assert_eq!(ids, [20, 30, 40]);
        all.remove(0);
        all.extend([50, 60]);
        renumber(&mut ids, &all);
        assert_eq!(ids, [50, 30, 40, 60]);
        renumber(&mut ids, &[]);
        assert_eq!(ids, [0; 4]);
    }
}
