//! The thread that notifies from inside the registered process, where senders cannot, or must not.
//!
//! There is one for each registration that needs it: for `SIGEV_THREAD`, and where another user may
//! send, whose signals the kernel would refuse. It sleeps until the registration is over, notifies
//! if that has been left to it, and ends. For signals it is a bare thread (`os::spawn`), so that
//! the process ends with the last thread of the program, and the notifier keeps the user that it
//! began with. For `SIGEV_THREAD` it is a thread of the C library, as in glibc.
//!
//! The program may close the queue while the thread sleeps on it. So the thread has its own mapping
//! of the first page, and an entry in a table, through which a thread that closes the queue finds
//! it.

use core::ffi::c_void;
use core::ptr;

use super::registration::{Registration, Sender, next_after};
use super::signal::{self, Signal};
use crate::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use crate::os::bare;
use crate::os::futex::{self, Scope};
use crate::os::{Errno, Result};
use crate::posix::mq::layout::HEADER_SIZE;

/// Threads at a time that a close ends at once. Any others end with the next operation on their
/// queue.
const WAITERS_MAX: usize = 64;

/// What such a thread is to wait for. C keeps it in a `cbits::DutyStorage`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Duty {
    /// In a page of its own.
    registration: *const Registration,
    page: *mut c_void,
    /// The sequence number at which no process was registered, and that of the registration that
    /// follows.
    after: u32,
    sequence: u32,
    /// In `WAITERS`; `WAITERS_MAX` = none.
    entry: usize,
    /// The value of [`Entry::id`] while it is ours.
    id: u64,
}

// SAFETY: the page is mapped until the thread that has the duty is done.
unsafe impl Send for Duty {}

/// Where a thread can be found when its queue is closed.
struct Entry {
    /// 0 = free; else a serial number that no other thread of this process ever had. Taken by CAS,
    /// freed by the thread.
    id: AtomicU64,
    /// The process that has the thread: the child of a fork has none. The rest, too, is stored by
    /// the thread that takes the entry.
    pid: AtomicU32,
    device: AtomicU64,
    inode: AtomicU64,
    /// What it sleeps on. Only its address is of use to others.
    word: AtomicPtr<u32>,
    /// The `id` of a thread that is to end its registration. Stored by the thread that closes.
    dismissed: AtomicU64,
}

static WAITERS: [Entry; WAITERS_MAX] = [const { Entry::new() }; WAITERS_MAX];
static LAST_ID: AtomicU64 = AtomicU64::new(0);

impl Entry {
    const fn new() -> Self {
        Self {
            id: AtomicU64::new(0),
            pid: AtomicU32::new(0),
            device: AtomicU64::new(0),
            inode: AtomicU64::new(0),
            word: AtomicPtr::new(ptr::null_mut()),
            dismissed: AtomicU64::new(0),
        }
    }

    fn is_of_thread(&self, pid: u32) -> bool {
        self.id.load(Ordering::SeqCst) != 0 && self.pid.load(Ordering::SeqCst) == pid
    }

    fn dismiss(&self, id: u64) {
        self.dismissed.store(id, Ordering::SeqCst);
        // It may have ended, and its page may be gone: then no thread is woken.
        futex::wake(self.word.load(Ordering::SeqCst), i32::MAX, Scope::Shared);
    }
}

impl Duty {
    /// For the registration that follows this sequence number. ENOMEM.
    pub fn new(registration: &Registration, after: u32, fifo: (u64, u64)) -> Result<Self> {
        let offset = ptr::from_ref(registration).addr() % HEADER_SIZE;
        let page = ptr::from_ref(registration).wrapping_byte_sub(offset);
        let page = map_again(page.cast_mut().cast())?;
        let registration = page.wrapping_byte_add(offset).cast::<Registration>().cast_const();
        let id = LAST_ID.fetch_add(1, Ordering::SeqCst) + 1;
        // SAFETY: in the new mapping.
        let word = unsafe { (*registration).sequence.as_ptr() };
        let entry = take_entry(id, word, fifo);
        Ok(Self { registration, page, after, sequence: next_after(after), entry, id })
    }

    fn registration(&self) -> &Registration {
        // SAFETY: mapped until `finish`.
        unsafe { &*self.registration }
    }

    /// Sleeps until the registration is over. The sender, if the notification has been left to this
    /// thread. Bare.
    pub fn wait(&self) -> Option<Sender> {
        let registration = self.registration();
        // Its notification may be on its way, and still be left to us.
        let on_its_way = self.sequence.wrapping_add(1);
        loop {
            let now = registration.sequence();
            if now != self.after && now != self.sequence && now != on_its_way {
                break;
            }
            let entry = WAITERS.get(self.entry);
            if entry.is_some_and(|entry| entry.dismissed.load(Ordering::SeqCst) == self.id) {
                registration.end(self.sequence);
                break;
            }
            let word = registration.sequence.as_ptr().expose_provenance();
            // SAFETY: a word of the page. Not a private one; without a timeout.
            unsafe {
                bare::call(libc::SYS_futex, [word, libc::FUTEX_WAIT as usize, now as usize, 0])
            };
        }
        registration.left(self.sequence)
    }

    /// The thread is done, or was not to be had. Bare.
    pub fn finish(&self) {
        if let Some(entry) = WAITERS.get(self.entry) {
            entry.id.store(0, Ordering::SeqCst);
        }
        // SAFETY: this thread's own mapping.
        unsafe { bare::call(libc::SYS_munmap, [self.page.addr(), HEADER_SIZE, 0, 0]) };
    }

    /// The registration is not to be.
    pub fn dismiss(&self) {
        if let Some(entry) = WAITERS.get(self.entry) {
            entry.dismiss(self.id);
        }
    }
}

/// What a bare thread does that is to send a signal to its own process.
#[derive(Clone, Copy)]
pub struct SignalDuty {
    /// When.
    pub duty: Duty,
    /// What.
    pub signal: Signal,
}

impl SignalDuty {
    /// Bare.
    pub fn perform(&self) {
        if let Some(sender) = self.duty.wait() {
            self.signal.raise(signal::own_pid(), sender);
        }
        self.duty.finish();
    }
}

impl Registration {
    /// Calls the thread of the registered process, if there is one: the registration is over.
    pub fn call_thread(&self) {
        futex::wake(self.sequence.as_ptr(), i32::MAX, Scope::Shared);
    }
}

/// The program has closed a descriptor of this queue: what waits for its registration ends.
/// Async-signal-safe.
pub fn dismiss_all(fifo: (u64, u64)) {
    if LAST_ID.load(Ordering::SeqCst) == 0 {
        return;
    }
    let pid = signal::own_pid();
    for entry in WAITERS.iter().filter(|entry| entry.is_of_thread(pid)) {
        let id = entry.id.load(Ordering::SeqCst);
        let queue = (entry.device.load(Ordering::SeqCst), entry.inode.load(Ordering::SeqCst));
        if id != 0 && queue == fifo {
            entry.dismiss(id);
        }
    }
}

fn take_entry(id: u64, word: *mut u32, fifo: (u64, u64)) -> usize {
    let pid = signal::own_pid();
    let take = |entry: &Entry| {
        let before = entry.id.load(Ordering::SeqCst);
        let is_free = before == 0 || entry.pid.load(Ordering::SeqCst) != pid;
        is_free && entry.id.compare_exchange(before, id, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    };
    let taken = WAITERS.iter().position(take).unwrap_or(WAITERS_MAX);
    if let Some(entry) = WAITERS.get(taken) {
        entry.word.store(word, Ordering::SeqCst);
        entry.device.store(fifo.0, Ordering::SeqCst);
        entry.inode.store(fifo.1, Ordering::SeqCst);
        entry.pid.store(pid, Ordering::SeqCst);
    }
    taken
}

/// A second mapping of the first page of a queue.
fn map_again(page: *mut c_void) -> Result<*mut c_void> {
    // SAFETY: a shared mapping; the length 0 of the old one says that it stays as it is.
    unsafe {
        let new = libc::mremap(page, 0, HEADER_SIZE, libc::MREMAP_MAYMOVE);
        if new == libc::MAP_FAILED {
            return Err(Errno::ENOMEM);
        }
        // The child of a fork does not have the thread.
        libc::madvise(new, HEADER_SIZE, libc::MADV_DONTFORK);
        Ok(new)
    }
}
