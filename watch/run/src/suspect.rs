//! What looks like a mistake, until later events tell whether it is one.

/// Locks of one thread that are remembered.
pub const HELD: usize = 8;
/// How many there may be at a time.
pub const SUSPECTS: usize = 128;
/// Bytes of a line.
pub const LINE: usize = 3072;

/// What the judgement depends on; 0 is nothing everywhere.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Clue {
    /// foreign-post, not-given-back: the thread that had the unit.
    pub taker: i32,
    /// All that has to come for a mistake has come.
    pub is_complete: bool,
    /// foreign-post: the semaphore went, or began anew, with a unit too many.
    pub is_settled: bool,
    /// in-handler: the thread takes the semaphore outside of handlers, too.
    pub is_plain: bool,
    /// in-handler: signals with handlers that are blocked in all of these takes.
    pub mask: u64,
    /// message-lost: of the message, or 0; lock-order: of the locks.
    pub hash: u64,
    /// message-lost: the first bytes of one that was too long; the room for one that was received.
    pub start: u64,
    /// lock-order: indices of `Book::objects` and 1.
    pub locks: [u32; HELD],
}

/// A call under suspicion.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Suspect {
    /// The number of the kind and 1; 0: free.
    pub kind: u32,
    /// The index of the object and 1.
    pub object: u32,
    /// Who made the call.
    pub tid: i32,
    /// Bytes of its line in `Book::lines`; 0: it has not been written yet.
    pub length: u32,
    /// When it was entered, by `Book::clock`: tells it from another one in the same place.
    pub since: u64,
    /// See there.
    pub clue: Clue,
}
