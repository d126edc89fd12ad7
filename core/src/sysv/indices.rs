//! The indices under which SEM_STAT, MSG_STAT and SHM_STAT know all objects of a family.
//!
//! An object has the same index for as long as it lives, whatever else comes and goes, so that a
//! loop over all indices finds it. The indices are local to the process: its first query gives one
//! to each existing object, in the order of the ids.

use super::attached::Use;
use super::enter::enter;
use super::family::{LEAST_ID, directory};
use super::find::settle;
use super::object::{Object, is_left_half_done};
use super::registry;
use crate::os::directory::Version;
use crate::os::fork::ForkMutex;
use crate::os::{Errno, Result};
use crate::shared::thread::{FrameTag, Thread};

/// The indices of one family.
struct Indices {
    /// The ids, each at its index; 0 = the index is free.
    ids: Vec<i32>,
    /// The version of the directory that these are all objects of. `None`: there may be others.
    version: Option<Version>,
    /// Incremented whenever `ids` changes.
    changes: u64,
}

/// Of each family. No thread calls malloc(3) while it has the lock: the thread that forks may have
/// the locks of an allocator, and wait for this one.
static INDICES: ForkMutex<[Indices; 3]> =
    ForkMutex::new(4, [const { Indices { ids: Vec::new(), version: None, changes: 0 } }; 3]);

/// How often the indices may have changed while a query has read the directory, before it answers
/// as others have found it.
const ATTEMPTS: usize = 100;

/// A copy of the ids, and how often they had changed. `None`: they are not these.
fn copy_if<O: Object>(are_these: impl Fn(&Indices) -> bool) -> Option<(Vec<i32>, u64)> {
    let mut copy = Vec::new();
    loop {
        let needed = {
            let all = INDICES.lock();
            let known = &all[O::FAMILY as usize];
            if !are_these(known) {
                return None;
            }
            if known.ids.len() <= copy.capacity() {
                copy.extend_from_slice(&known.ids);
                return Some((copy, known.changes));
            }
            known.ids.len()
        };
        copy.reserve(needed);
    }
}

/// Replaces the ids, unless they have changed meanwhile: false.
fn replace<O: Object>(ids: &[i32], version: Option<Version>, changes: u64) -> bool {
    let mut new = ids.to_vec();
    let mut all = INDICES.lock();
    let known = &mut all[O::FAMILY as usize];
    let is_current = known.changes == changes;
    if is_current {
        core::mem::swap(&mut known.ids, &mut new);
        known.version = version;
        known.changes += 1;
    }
    // Before what has been replaced is freed.
    drop(all);
    is_current
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
    let place = usize::try_from(index).map_err(|_| Errno::EINVAL)?;
    let known = INDICES.lock()[O::FAMILY as usize].ids.get(place).copied();
    if let Some(id) = known.filter(|&id| is_there::<O>(thread, id)) {
        return Ok(id);
    }
    let found = ids::<O>(thread)?.get(place).copied();
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
    let is_known = |known: &Indices| version.is_some() && known.version == version;
    if let Some((ids, _)) = copy_if::<O>(is_known) {
        return Ok(ids);
    }
    let mut attempts = 0..ATTEMPTS;
    loop {
        let (mut ids, changes) = copy_if::<O>(|_| true).unwrap_or_default();
        if attempts.next().is_none() {
            return Ok(ids);
        }
        let listed = registry::all(O::FAMILY)?;
        let there = listed.iter().copied().filter(|&id| is_there::<O>(thread, id));
        let there: Vec<i32> = there.collect();
        // One that is being made may be whole soon, and no entry of the directory comes by that.
        let are_all_whole = there.len() == listed.len();
        update(&mut ids, &there);
        if replace::<O>(&ids, version.filter(|_| are_all_whole), changes) {
            return Ok(ids);
        }
    }
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
        // There, but this user has no right to read it.
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
fn update(ids: &mut Vec<i32>, all: &[i32]) {
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
    fn an_object_keeps_its_index_while_others_come_and_go() {
        let mut ids = Vec::new();
        let mut all = vec![20, 30, 40];
        update(&mut ids, &all);
        assert_eq!(ids, [20, 30, 40]);
        all.remove(0);
        all.extend([50, 60]);
        update(&mut ids, &all);
        assert_eq!(ids, [50, 30, 40, 60]);
        update(&mut ids, &[]);
        assert_eq!(ids, [0; 4]);
    }
}
