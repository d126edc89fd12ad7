//! Locks that are taken in a circle: A by the holder of B, B by that of C, C by that of A. Threads
//! that do so at the same time wait for each other for ever.

use watch_run::tables::Order;

/// The longest way back that is looked for.
const LENGTH: usize = 7;

/// Orders that are looked at.
const BOUND: u32 = 20_000;

/// The way from the lock that is taken back to the one that its taker has.
pub struct Circle {
    orders: [Order; LENGTH],
    length: usize,
}

impl Circle {
    pub fn orders(&self) -> &[Order] {
        &self.orders[..self.length]
    }
}

/// What is known of locks, and of when they were taken.
pub trait Facts {
    /// How many threads may have it at a time.
    fn units(&self, lock: u32) -> u32;
    fn is_lock(&self, lock: u32) -> bool;
    /// Whether the first was over before the other could begin.
    fn comes_before(&self, early: &Order, late: &Order) -> bool;
}

/// The circle that `own` closes, a pair if there is one. Each step of it is another thread's.
pub fn find(orders: &[Order], own: &Order, facts: &impl Facts) -> Option<Circle> {
    let used = orders.iter().position(|order| order.had == 0).unwrap_or(orders.len());
    let orders = &orders[..used];
    find_of(1, orders, own, facts).or_else(|| find_of(LENGTH, orders, own, facts))
}

/// One of this length at most.
fn find_of(length: usize, orders: &[Order], own: &Order, facts: &impl Facts) -> Option<Circle> {
    let mut circle = Circle { orders: [*own; LENGTH], length: 0 };
    // Where the search goes on, one for each step.
    let mut next = [0; LENGTH];
    for _ in 0..BOUND {
        let depth = circle.length;
        let from = if depth == 0 { own.took } else { circle.orders[depth - 1].took };
        let steps = circle.orders();
        let fits = |order: &Order| {
            order.had == from
                && (order.took == own.had || depth + 1 < length && facts.is_lock(order.took))
                && are_apart(order, own, facts)
                && steps.iter().all(|step| are_apart(order, step, facts))
                && (order.took != own.had || !is_guarded(steps, order, own, facts))
        };
        let Some(found) = orders[next[depth]..].iter().position(fits) else {
            // Back by one step.
            circle.length = depth.checked_sub(1)?;
            continue;
        };
        let index = next[depth] + found;
        circle.orders[depth] = orders[index];
        circle.length = depth + 1;
        if orders[index].took == own.had {
            return Some(circle);
        }
        next[depth] = index + 1;
        next[depth + 1] = 0;
    }
    None
}

/// Whether both can be at their places at the same time: they are of two threads, none of which
/// begins after the other has done so, and no lock for one alone is held in both.
fn are_apart(one: &Order, other: &Order, facts: &impl Facts) -> bool {
    let is_common = |lock: &u32| *lock != 0 && facts.units(*lock) <= 1 && other.all.contains(lock);
    one.tid != other.tid
        && !one.all.iter().any(is_common)
        && !facts.comes_before(one, other)
        && !facts.comes_before(other, one)
}

/// All of them are in a room that does not admit as many.
fn is_guarded(steps: &[Order], last: &Order, own: &Order, facts: &impl Facts) -> bool {
    let count = steps.len() + 2;
    own.all.iter().filter(|&&room| room != 0).any(|room| {
        (facts.units(*room) as usize) < count
            && last.all.contains(room)
            && steps.iter().all(|step| step.all.contains(room))
    })
}

#[cfg(test)]
mod tests {
    use watch_run::suspect::HELD;

    use super::*;

    /// Locks from 20 on admit as many as their number less 18 says.
    struct Plain;

    impl Facts for Plain {
        fn units(&self, lock: u32) -> u32 {
            lock.saturating_sub(18).max(1)
        }

        fn is_lock(&self, _: u32) -> bool {
            true
        }

        fn comes_before(&self, early: &Order, late: &Order) -> bool {
            early.is_alone && early.at < late.at
        }
    }

    fn order(tid: i32, all: &[u32], took: u32) -> Order {
        let mut held = [0; HELD];
        held[..all.len()].copy_from_slice(all);
        Order { had: all[0], took, tid, pid: tid, is_alone: false, at: 0, all: held }
    }

    fn threads(orders: &[Order], own: &Order) -> Option<Vec<i32>> {
        let circle = find(orders, own, &Plain)?;
        Some(circle.orders().iter().map(|order| order.tid).collect())
    }

    #[test]
    fn pairs_and_circles_are_found() {
        let orders = [order(10, &[1], 2), order(11, &[2], 3), order(12, &[3], 4)];
        assert_eq!(threads(&orders, &order(20, &[2], 1)), Some(vec![10]));
        assert_eq!(threads(&orders, &order(20, &[4], 1)), Some(vec![10, 11, 12]));
        assert_eq!(threads(&orders, &order(20, &[1], 4)), None);
        // A way that leads nowhere comes first.
        let branches = [order(10, &[1], 5), order(11, &[1], 2), order(12, &[2], 3)];
        assert_eq!(threads(&branches, &order(20, &[3], 1)), Some(vec![11, 12]));
    }

    #[test]
    fn one_thread_or_a_common_lock_makes_no_circle() {
        let orders = [order(10, &[1], 2), order(10, &[2], 3)];
        assert_eq!(threads(&orders, &order(20, &[3], 1)), None);
        assert_eq!(threads(&orders[..1], &order(10, &[2], 1)), None);
        let guarded = [order(10, &[1, 9], 2), order(11, &[2, 9], 3)];
        assert_eq!(threads(&guarded, &order(20, &[3], 1)), None);
        assert_eq!(threads(&guarded[..1], &order(20, &[2, 9], 1)), None);
    }
    #[test]
    fn a_room_for_fewer_than_the_circle_has_makes_none() {
        // Two may be in the room 20, three in the room 21.
        let two = [order(10, &[1, 20], 2)];
        assert_eq!(threads(&two, &order(20, &[2, 20], 1)), Some(vec![10]));
        let three = |room| [order(10, &[1, room], 2), order(11, &[2, room], 3)];
        assert_eq!(threads(&three(20), &order(20, &[3, 20], 1)), None);
        assert_eq!(threads(&three(21), &order(20, &[3, 21], 1)), Some(vec![10, 11]));
    }

    #[test]
    fn what_was_over_before_makes_no_circle() {
        let early = [Order { is_alone: true, ..order(10, &[1], 2) }];
        assert_eq!(threads(&early, &Order { at: 1, ..order(20, &[2], 1) }), None);
    }
}
