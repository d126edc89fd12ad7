//! The limits of new queues.

use core::ffi::CStr;

use crate::atomic::{AtomicU64, Ordering};
use crate::os::errno::preserved;
use crate::os::file::number_in;
use crate::os::settings;

use super::body;

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the longest message: MSGMAX.
    pub message: u64,
    /// The capacity of a queue: MSGMNB.
    pub queue: u64,
}

/// What Linux begins with.
const DEFAULT: Limits = Limits { message: 8192, queue: 16384 };

/// What the kernel has; 0 = not asked yet. Relaxed: limits, each of which is true by itself.
static MESSAGE: AtomicU64 = AtomicU64::new(0);
static QUEUE: AtomicU64 = AtomicU64::new(0);

/// From the settings, or what the kernel has for its own queues.
pub fn of_new_queues() -> Limits {
    let settings = settings::get();
    let message = settings
        .message_max
        .unwrap_or_else(|| of_kernel(&MESSAGE, c"/proc/sys/kernel/msgmax", DEFAULT.message));
    let queue = settings
        .queue_max
        .unwrap_or_else(|| of_kernel(&QUEUE, c"/proc/sys/kernel/msgmnb", DEFAULT.queue));
    Limits { message: message.min(body::LONGEST as u64), queue }
}

fn of_kernel(known: &AtomicU64, file: &CStr, default: u64) -> u64 {
    match known.load(Ordering::Relaxed) {
        0 => {
            let number = preserved(|| number_in(file)).unwrap_or(default);
            known.store(number, Ordering::Relaxed);
            number
        }
        number => number,
    }
}
