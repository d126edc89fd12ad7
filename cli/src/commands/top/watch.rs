//! Looking again and again, in a thread of its own, so that the keys are never slow.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::meter::{self, Flow, Meter};
use crate::failure::Failure;
use crate::objects::file::FileId;
use crate::survey::Survey;

/// Between two looks at what nobody counts.
const STEP: Duration = Duration::from_millis(50);
/// A look may take one part in so many of the time.
const SHARE: u32 = 20;

/// All objects at one moment, and how much has passed through them since the one before.
pub struct Snapshot {
    pub survey: Arc<Survey>,
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
    take: impl Fn(Seen) -> bool + Send + 'static,
) -> std::io::Result<()> {
    std::thread::Builder::new().spawn(move || {
        let mut watch = Watch::default();
        loop {
            let next = Instant::now() + interval;
            let survey = Survey::take().map(Arc::new);
            let seen = survey.as_ref().ok().map(Arc::clone);
            let snapshot = survey.map(|survey| watch.measure(survey));
            if !take(snapshot) {
                return;
            }
            watch.until(next, seen.as_deref());
        }
    })?;
    Ok(())
}

/// What came of a look at everything.
pub type Seen = Result<Snapshot, Failure>;

impl Watch {
    fn measure(&mut self, survey: Arc<Survey>) -> Snapshot {
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
        Snapshot { survey, flows }
    }

    /// Looks at what nobody counts, from time to time.
    fn until(&mut self, end: Instant, survey: Option<&Survey>) {
        let objects = survey.iter().flat_map(|survey| &survey.entries).map(|entry| &entry.object);
        let watched: Vec<_> = objects.filter(|object| meter::is_worth_watching(object)).collect();
        let mut pause = STEP;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            std::thread::sleep(left.min(pause));
            if left <= pause {
                return;
            }
            let start = Instant::now();
            for object in &watched {
                if let (Some((meter, _)), Some(reading)) =
                    (self.meters.get_mut(&object.id), meter::look(object))
                {
                    meter.add(reading);
                }
            }
            pause = STEP.max(start.elapsed() * SHARE);
        }
    }
}
