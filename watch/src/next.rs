//! Questions to the library behind ours. They may allocate and open files, as the calls do for
//! which they are asked; each is a call that could be a cancellation point only if it slept.

use std::ffi::{CStr, c_char, c_int, c_long};

unsafe extern "C" {
    fn rsipc_watch_queue(
        queue: c_int,
        room: *mut c_long,
        size: *mut c_long,
        messages: *mut c_long,
    ) -> c_int;
    safe fn rsipc_watch_never_waits(queue: c_int) -> c_int;
    fn rsipc_watch_queue_named(name: *const c_char, messages: *mut c_long) -> c_int;
    fn rsipc_watch_semaphore_named(name: *const c_char, value: *mut c_int) -> c_int;
    fn rsipc_watch_memory_named(name: *const c_char) -> c_int;
    safe fn rsipc_watch_set_of(key: c_int) -> c_int;
    safe fn rsipc_watch_messages_of(key: c_int) -> c_int;
    safe fn rsipc_watch_segment_of(key: c_int) -> c_int;
    safe fn rsipc_watch_set(id: c_int) -> c_int;
    safe fn rsipc_watch_value_in_set(id: c_int, member: c_int) -> c_int;
    fn rsipc_watch_messages(id: c_int, messages: *mut c_long) -> c_int;
    fn rsipc_watch_segment(id: c_int, attaches: *mut c_long) -> c_int;
}

/// What a queue says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Queue {
    /// Messages that it has room for.
    pub room: i64,
    /// Bytes of a message.
    pub size: i64,
    /// Messages in it.
    pub messages: i64,
}

/// None for what is no queue.
pub fn queue(descriptor: u64) -> Option<Queue> {
    let mut found = Queue::default();
    // SAFETY: there is room for the three answers.
    let is_one = unsafe {
        rsipc_watch_queue(
            number(descriptor),
            &raw mut found.room,
            &raw mut found.size,
            &raw mut found.messages,
        )
    };
    (is_one != 0).then_some(found)
}

/// Whether the queue was opened with `O_NONBLOCK`.
pub fn never_waits(descriptor: u64) -> bool {
    rsipc_watch_never_waits(number(descriptor)) != 0
}

/// The messages in the queue of this name; None if there is none.
pub fn queue_named(name: &CStr) -> Option<i64> {
    let mut messages = 0;
    // SAFETY: a C string, and room for the answer.
    let there = unsafe { rsipc_watch_queue_named(name.as_ptr(), &raw mut messages) };
    (there != 0).then_some(messages)
}

/// The value of the semaphore of this name, -1 if we may not know it; None if there is none.
pub fn semaphore_named(name: &CStr) -> Option<i32> {
    let mut value = -1;
    // SAFETY: a C string, and room for the answer.
    let there = unsafe { rsipc_watch_semaphore_named(name.as_ptr(), &raw mut value) };
    (there != 0).then_some(value)
}

pub fn is_memory_named(name: &CStr) -> bool {
    // SAFETY: a C string.
    unsafe { rsipc_watch_memory_named(name.as_ptr()) != 0 }
}

pub fn is_set_of(key: u64) -> bool {
    rsipc_watch_set_of(number(key)) != 0
}

pub fn is_messages_of(key: u64) -> bool {
    rsipc_watch_messages_of(number(key)) != 0
}

pub fn is_segment_of(key: u64) -> bool {
    rsipc_watch_segment_of(number(key)) != 0
}

pub fn is_set(id: u64) -> bool {
    rsipc_watch_set(number(id)) != 0
}

/// The value of a semaphore in a set; None if it cannot be known.
pub fn value_in_set(id: u64, member: u64) -> Option<i32> {
    Some(rsipc_watch_value_in_set(number(id), number(member))).filter(|&value| value >= 0)
}

/// The messages in a queue of System V; None if there is none.
pub fn messages(id: u64) -> Option<i64> {
    let mut messages = 0;
    // SAFETY: there is room for the answer.
    (unsafe { rsipc_watch_messages(number(id), &raw mut messages) } != 0).then_some(messages)
}

pub fn is_segment(id: u64) -> bool {
    attaches(id).is_some()
}

/// How often a segment is attached; None if there is none.
pub fn attaches(id: u64) -> Option<i64> {
    let mut attaches = 0;
    // SAFETY: there is room for the answer.
    (unsafe { rsipc_watch_segment(number(id), &raw mut attaches) } != 0).then_some(attaches)
}

/// An int as the hooks see it: in the low half of a word.
#[allow(clippy::cast_possible_truncation)]
pub const fn number(word: u64) -> i32 {
    word as i32
}
