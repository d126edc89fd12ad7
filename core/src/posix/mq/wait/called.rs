//! Whether a waiter has been woken, and what came of it.

use core::mem;

use crate::shared::wait_point::{Arrival, WaitPoint};

/// See the module.
#[derive(Default)]
pub struct Called {
    is_on_its_way: bool,
    was_in_vain: bool,
}

impl Called {
    /// It has been woken.
    pub fn come(&mut self) {
        self.is_on_its_way = true;
    }

    /// It looks once more, and may sleep again. True: it was on its way.
    pub fn look_again(&mut self) -> bool {
        let was_on_its_way = mem::take(&mut self.is_on_its_way);
        self.was_in_vain |= was_on_its_way;
        was_on_its_way
    }

    /// Newcomers have been faster than this thread, which came at this time and was woken, and not
    /// for the first time. The next wake would be in vain, too, until it has waited for long and
    /// they give way: it keeps the baton, and sleeps for so many nanoseconds. `None`: it does not.
    pub fn back_off(&mut self, point: &WaitPoint, arrival: Arrival) -> Option<i64> {
        let again = self.is_on_its_way && self.was_in_vain;
        if !again || !point.expects_one() || point.is_in_turn() {
            return None;
        }
        let patience = point.patience_left(arrival)?;
        point.back_off();
        Some(patience)
    }

    /// It has been woken, and has not looked in vain since: others leave the next wake to it.
    pub fn is_on_its_way(&self) -> bool {
        self.is_on_its_way
    }

    /// It has been woken in vain, and keeps its place.
    pub fn sleeps_again(&self) -> bool {
        self.was_in_vain
    }
}
