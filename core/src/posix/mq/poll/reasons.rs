//! Why a call that polls does not sleep.

use crate::posix::mq::poll::readiness::Pollers;

/// What is known of one queue when a call begins to poll it.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The events that the kernel has to report, now.
    pub shown: Pollers,
    /// A handler has run while the thread spun, and what is polled for has not come.
    pub is_struck: bool,
}

/// The reasons that the queues of a call give.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reasons {
    /// The kernel has to report one of them, now.
    pub is_expected: bool,
    /// A handler has run since the call began: unless there is something to report, it ends with
    /// EINTR.
    pub is_struck: bool,
}

impl Reasons {
    /// Those of one more queue, which is asked for these events.
    pub fn add(&mut self, Begun { shown, is_struck }: Begun, told: Pollers) {
        self.is_expected |= shown.are(told);
        self.is_struck |= is_struck;
    }
}
