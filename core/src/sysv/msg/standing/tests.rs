//! Crowds of receivers.

use core::cell::Cell;

use super::*;

/// Receivers that sleep, and messages, in the order that takes longest.
struct Crowd {
    version: AtomicU64,
    arrivals: Arrivals,
    records: Vec<Record>,
    /// The types of the messages, in the order of their arrival.
    kinds: Vec<i64>,
    visited: Cell<usize>,
}

impl Crowd {
    fn new(selectors: &[Selector], kinds: &[i64]) -> Self {
        let record = |(number, selector): (u32, &Selector)| {
            let record = Record::default();
            let wanted = Record::words_of(Wanted::Message { selector: *selector, capacity: None });
            let words = record.wanted_words().iter().zip(wanted);
            words.for_each(|(word, wanted)| word.store(wanted, Ordering::Relaxed));
            record.claim.store(number, Ordering::Relaxed);
            record.ticket.store(number.into(), Ordering::Relaxed);
            record
        };
        let arrivals = Arrivals::default();
        for _ in kinds {
            arrivals.next();
        }
        Self {
            version: AtomicU64::new(0),
            arrivals,
            records: (1..).zip(selectors).map(record).collect(),
            kinds: kinds.to_vec(),
            visited: Cell::new(0),
        }
    }

    /// So many receivers, and as many messages.
    fn of(count: usize) -> Self {
        Self::new(&vec![Selector::Any; count], &vec![1; count])
    }

    /// What each of those receivers gets that accept this type: the indices of receiver and
    /// message.
    fn given(&self, about: About<'_>, kind: i64) -> Vec<(usize, u64)> {
        let mut standing = Standing::unknown();
        standing.look(self, about).unwrap();
        let index = |one: &Receiver<'_>| {
            self.records.iter().position(|record| core::ptr::eq(record, one.record)).unwrap()
        };
        let mut given = Vec::new();
        for one in standing.receivers().filter(|one| one.selector.admits(kind)) {
            given.extend(one.given.map(|message| (index(one), message.arrival)));
        }
        given
    }
}

impl Scene for Crowd {
    fn version(&self) -> &AtomicU64 {
        &self.version
    }

    fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    fn each_record<'q>(&'q self, visit: impl FnMut(&'q Record)) -> Result<()> {
        self.records.iter().for_each(visit);
        Ok(())
    }

    fn oldest(
        &self,
        terms: &Terms<'_>,
        mut wants: impl FnMut(&Message) -> bool,
    ) -> Result<Option<Message>> {
        let mut found = None;
        for slot in (0..self.kinds.len()).rev().filter(|_| terms.effort.spend(1)) {
            self.visited.set(self.visited.get() + 1);
            let (arrival, kind) = (slot as u64 + 1, self.kinds[slot]);
            let message = Message { slot, arrival, kind, length: 0, location: 0 };
            if arrival <= terms.up_to && wants(&message) {
                found = Some(message);
            }
        }
        Ok(found)
    }

    fn now(&self) -> u32 {
        0
    }
}

fn given_in_a_crowd_of(count: usize) -> (usize, usize) {
    let crowd = Crowd::of(count);
    (crowd.given(About::All, 1).len(), crowd.visited.get())
}

#[test]
fn a_crowd_gets_a_message_each() {
    assert_eq!(given_in_a_crowd_of(200).0, 200);
}

#[test]
fn a_look_at_more_than_ever_wait_comes_to_an_end() {
    const MANY: usize = 3000;
    let (given, visited) = given_in_a_crowd_of(MANY);
    assert!(given < MANY);
    assert!(visited <= 2 * COMPARISONS / MANY, "{visited} messages");
}

/// Three receivers of each combination, and three messages of three types.
#[test]
fn a_look_about_one_type_finds_what_a_look_at_all_finds() {
    let selectors = [
        Selector::Any,
        Selector::Type(1),
        Selector::Type(2),
        Selector::Type(3),
        Selector::Except(1),
        Selector::Lowest(1),
        Selector::Lowest(2),
    ];
    let count = selectors.len();
    for number in 0..count.pow(3) {
        let chosen = [1, count, count * count].map(|power| selectors[number / power % count]);
        for kinds in 0..27 {
            let kinds = [1, 3, 9].map(|power| kinds / power % 3 + 1);
            let crowd = Crowd::new(&chosen, &kinds);
            for kind in 1..=3 {
                let about = About::Messages(Selector::Type(kind));
                let (some, all) = (crowd.given(about, kind), crowd.given(About::All, kind));
                assert_eq!(some, all, "{chosen:?}, messages {kinds:?}, about {kind}");
            }
        }
    }
}

#[test]
fn a_look_about_one_type_leaves_out_those_that_want_others() {
    let selectors: Vec<_> = (1..100).map(Selector::Type).collect();
    let crowd = Crowd::new(&selectors, &[5, 7]);
    let mut standing = Standing::unknown();
    standing.look(&crowd, About::Messages(Selector::Type(7))).unwrap();
    assert_eq!(standing.receivers().map(|one| one.ticket).collect::<Vec<_>>(), [7]);
    standing.look(&crowd, About::Messages(Selector::Lowest(3))).unwrap();
    assert_eq!(standing.receivers().map(|one| one.ticket).collect::<Vec<_>>(), [1, 2, 3]);
    standing.look(&crowd, About::Messages(Selector::Type(200))).unwrap();
    assert!(standing.receivers().next().is_none() && !standing.is_empty(), "others wait");
}

/// What a receiver is known to get stays with it, and the rest is given in order.
#[test]
fn what_is_known_is_found_beside_the_rest() {
    let crowd = Crowd::new(&[Selector::Any, Selector::Any, Selector::Type(2)], &[1, 2, 1]);
    crowd.records[1].given.store(3, Ordering::Relaxed);
    crowd.records[2].taking.store(2, Ordering::Relaxed);
    assert_eq!(crowd.given(About::All, 2), [(0, 1), (1, 3), (2, 2)]);
    assert_eq!(crowd.visited.get(), 2 * crowd.kinds.len(), "looks at messages");
}
