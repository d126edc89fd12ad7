//! Looking again and again, in a thread of its own, so that the keys are never slow.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::meter::{self, Flow, Meter};
use crate::commands::graph::words;
use crate::deadlock;
use crate::failure::Failure;
use crate::objects::file::FileId;
use crate::survey::{Depth, Survey};

/// All objects at one moment, and how much has passed through them since the one before.
pub struct Snapshot {
    pub survey: Survey,
    /// Each in a line.
    pub deadlocks: Vec<String>,
    /// Not of those that were not there before.
    pub flows: HashMap<FileId, Flow>,
}

#[derive(Default)]
struct Watch {
    meters: HashMap<FileId, (Meter, Instant)>,
}

/// Hands over a snapshot at once and then at this interval, until nobody wants any more: `take`
/// says so.
pub fn start(
    interval: Duration,
    depth: Depth,
    take: impl Fn(Seen) -> bool + Send + 'static,
) -> std::io::Result<()> {
    std::thread::Builder::new().spawn(move || {
        let mut watch = Watch::default();
        loop {
            let next = Instant::now() + interval;
            let snapshot = deadlock::look(depth).map(|(survey, deadlocks)| {
                let lasting = deadlocks.iter().filter(|found| !found.waits_for_senders());
                let names = lasting.map(|found| words::name(found, &survey)).collect();
                watch.measure(survey, names)
            });
            if !take(snapshot) {
                return;
            }
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    })?;
    Ok(())
}

/// What came of a look at everything.
pub type Seen = Result<Snapshot, Failure>;

impl Watch {
    fn measure(&mut self, survey: Survey, deadlocks: Vec<String>) -> Snapshot {
        let mut flows = HashMap::new();
        let mut meters = HashMap::new();
        for object in survey.entries.iter().map(|entry| &entry.object) {
            let Some(reading) = meter::look(object) else { continue };
            let now = Instant::now();
            let meter = match self.meters.remove(&object.id) {
                Some((mut meter, since)) => {
                    meter.add(reading);
                    flows.insert(object.id, meter.take(now - since));
                    meter
                }
                None => Meter::new(reading),
            };
            meters.insert(object.id, (meter, now));
        }
        // The meters of objects that are gone go.
        self.meters = meters;
        Snapshot { survey, deadlocks, flows }
    }
}
